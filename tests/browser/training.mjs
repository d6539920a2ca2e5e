// Training (2): introduction, field guide with examples, practice with an answer to every answer, tips; a timeline from training to window.
import { strict as assert } from 'node:assert'
import { button, classesOf, counted, DESK, drawn, offers, open, PAIR, passGate, saved, skip, startLabelling, test, TIMELINE, visitor } from './harness.mjs'

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
    const all = Number((await page.getByTestId('practice-place').textContent()).split(' of ')[1])
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
