// Training (2): introduction, field guide with examples, practice with an answer to every answer, tips; a timeline from training to window.
import { strict as assert } from 'node:assert'
import { api, button, classesOf, counted, DESK, drawn, offers, open, PAIR, passGate, saved, server, skip, startLabelling, test, TIMELINE, trouble, visitor } from './harness.mjs'

await test('the field guide is one key away and names every class; tips come in the first tiles', async () => {
  const { page, context } = await visitor(DESK)
  await startLabelling(page)
  await drawn(page)
  await page.getByTestId('tip').waitFor()
  await page.getByTestId('tip').getByRole('button').click()
  await page.getByTestId('tip').waitFor({ state: 'detached' })
  await page.keyboard.press('g')
  const guide = page.getByTestId('field-guide')
  await guide.waitFor()
  const names = await guide.locator('h3').allTextContents()
  assert.ok(names.length >= (await classesOf(page)).length, names.join())
  await page.keyboard.press('Escape')
  await page.keyboard.press('u')
  await counted(page, 1)
  await saved(page)
  await context.close()
})

const slug = (await offers(TIMELINE)) ? TIMELINE : PAIR
const { page, context } = await visitor(DESK)
await open(page, `/c/${slug}/training`)
await page.getByTestId('training').waitFor()

if ((await page.getByTestId('practise').count()) === 0) skip('practice', `the campaign ${slug} has no practice tiles`)
else {
  await test('practice answers every answer with right or not, and why', async () => {
    const examples = await page.locator('main canvas').count()
    assert.ok(examples > 0, 'the guide shows examples')
    await page.getByTestId('practise').click()
    const scale = await classesOf(page, slug)
    const all = Number((await page.getByTestId('place').textContent()).split(' of ')[1])
    assert.ok(all > 0)
    for (let tile = 0; tile < all; tile += 1) {
      await drawn(page)
      const unknown = page.getByTestId('mark-unknown')
      if (tile % 2 && (await unknown.count())) await unknown.click()
      await button(page, tile % 2 ? scale.at(-1) : scale[0]).click()
      await page.getByTestId('feedback').waitFor()
      assert.match(await page.getByTestId('feedback').textContent(), /The experts/)
      await page.getByTestId('practice-next').click()
    }
    await page.getByTestId('practice-end').waitFor()
    await page.getByTestId('practice-end').getByRole('button').click()
    await page.getByTestId('practice-state').waitFor()
  })

  await test('from training straight to a labelled tile', async () => {
    await open(page, `/c/${slug}/label`)
    await passGate(page)
    await drawn(page)
    const damaged = page.getByTestId('mark-damaged')
    if (await damaged.count()) {
      await page.getByTestId('frame-1').click()
      await damaged.click()
    }
    await button(page, (await classesOf(page, slug)).at(-1)).click()
    await counted(page, 1)
    await saved(page)
  })
}
await context.close()

if (!server || slug !== TIMELINE) skip('required practice', 'the server is not ours to change, or has no campaign with practice')
else {
  await test('where practice is required, tiles come only after it is passed, and the page leads there', async () => {
    server.setPolicy(TIMELINE, { practice_required: true, practice_pass_share: 0.9 })
    const { page, context } = await visitor(DESK)
    const said = new Map()
    await context.route('**/practice', async (route) => {
      const response = await route.fetch()
      said.set(route.request().postDataJSON().tile, await response.json())
      await route.fulfill({ response })
    })
    await open(page, `/c/${TIMELINE}`)
    const scale = await classesOf(page, TIMELINE)
    /** Practises once around; `choose` marks and answers a tile. */
    const round = async (choose) => {
      await page.getByTestId('practise').click()
      const all = Number((await page.getByTestId('place').textContent()).split(' of ')[1])
      for (let tile = 0; tile < all; tile += 1) {
        await drawn(page)
        await choose(tile)
        await page.getByTestId('practice-next').click()
      }
      return page.getByTestId('practice-end').getAttribute('data-passed')
    }

    trouble.expected = true // the browser reports the 403 as an error line of its own
    await startLabelling(page, TIMELINE)
    await page.getByTestId('to-training').click()
    await page.getByTestId('training').waitFor()
    const guess = async () => {
      await page.getByTestId('mark-unknown').click()
      await button(page, scale.at(-1)).click()
    }
    assert.equal(await round(guess), 'false')
    assert.ok([...said.values()].some(({ right }) => !right))
    assert.equal(await page.getByTestId('practice-start').count(), 0)

    await startLabelling(page, TIMELINE)
    await page.getByTestId('to-training').click()
    await page.getByTestId('training').waitFor()
    const { practice } = await api(page, `/api/v1/campaigns/${TIMELINE}/training`)
    const learnt = async (place) => {
      const { tile, frames } = practice.tiles[place]
      const { answer, window } = said.get(tile.id)
      for (const [scene, key] of [[window?.first_damaged, 'd'], [window?.last_intact, 'i']]) {
        if (!scene) continue
        await page.getByTestId(`frame-${frames.findIndex(({ scene_id }) => scene_id === scene)}`).click()
        await page.keyboard.press(key)
      }
      await button(page, answer).click()
    }
    assert.equal(await round(learnt), 'true')
    await page.getByTestId('practice-start').click()
    await drawn(page)
    await context.close()
    server.setPolicy(TIMELINE, { practice_required: false, practice_pass_share: 0.7 })
  })
}
