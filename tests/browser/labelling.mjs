// Start (1) and answers (5): two taps to the first tile, by touch and keys, undo, change, skip; the coordinator sees it arrive.
import { strict as assert } from 'node:assert'
import { api, boss, button, classesOf, count, counted, DESK, drawn, labelsOf, open, PAIR, passGate, PHONE, saved, signIn, startLabelling, test, trouble, visitor } from './harness.mjs'

const guest = await visitor(PHONE)
const { page, context } = guest
const coordinator = await visitor(DESK)
let scale = []
let before = 0

await test('a guest sees the campaigns with state, kind and progress, and nobody is made a guest by looking', async () => {
  await page.goto('/')
  await page.getByTestId(`campaign-${PAIR}`).waitFor()
  assert.equal((await api(page, '/api/v1/session')).signed_in, false)
  scale = await classesOf(page)
  assert.ok(scale.length >= 2)
})

await test('a coordinator signs in and sees how far the campaign is', async () => {
  await signIn(coordinator.page)
  await open(coordinator.page, `/c/${PAIR}/desk`)
  await coordinator.page.getByTestId('tile-states').waitFor()
  before = (await api(coordinator.page, `/api/v1/campaigns/${PAIR}/statistics`)).labels
})

await test('two taps lead from the first page to the first tile, past the care notice', async () => {
  await page.getByTestId(`start-${PAIR}`).tap()
  await page.getByTestId('gate-start').tap()
  await drawn(page)
  assert.equal((await api(page, '/api/v1/session')).guest, true)
  assert.notEqual(await page.getByTestId('credit').textContent(), '')
})

await test('five tiles by touch and keys are counted here and acknowledged there', async () => {
  // A finger's tap becomes a click a moment after it was sent: the next answer waits until this one was taken.
  const answers = [
    () => button(page, scale[0]).tap(),
    () => button(page, scale.at(-1)).tap(),
    () => button(page, 'unsure').tap(),
    () => page.keyboard.press('1'),
    () => page.keyboard.press(String(scale.length)),
  ]
  for (const [place, answer] of answers.entries()) {
    await answer()
    await counted(page, place + 1)
  }
  await saved(page)
  assert.equal(await labelsOf(page), 5)
})

await test('undo shows the tile again with its answer, and another answer replaces it', async () => {
  const sent = page.waitForRequest((request) => request.url().endsWith('/api/v1/labels'))
  await page.getByTestId('undo').tap()
  await page.getByTestId('given').waitFor()
  assert.equal(await button(page, scale.at(-1)).getAttribute('aria-pressed'), 'true')
  await button(page, scale[0]).tap()
  const reply = await (await (await sent).response()).json()
  assert.ok(['revised', 'surplus', 'stored'].includes(reply.results[0].status), JSON.stringify(reply))
  assert.equal(await count(page), 5)
  await saved(page)
  assert.equal(await labelsOf(page), 5)
})

await test('a skipped tile comes back by undo and is not answered by skipping', async () => {
  await page.keyboard.press('s')
  await page.keyboard.press('Control+z')
  await drawn(page)
  assert.equal(await page.getByTestId('given').count(), 0)
  assert.equal(await count(page), 5)
})

await test('the guest sees the progress of the campaign', async () => {
  const words = await page.getByTestId('progress').textContent()
  const { progress } = await api(page, `/api/v1/campaigns/${PAIR}`)
  assert.ok(words.includes(new Intl.NumberFormat('en').format(progress.tiles)), words)
})

await test('the coordinator sees the labels arrive without reloading', async () => {
  await coordinator.page.waitForFunction(
    ([selector, least]) => Number(document.querySelector(selector)?.textContent.replaceAll(',', '')) >= least,
    ['[data-testid=figure-labels] .value', before + 5],
  )
})

await test('a session that ran out is renewed in silence, for the page and for answers on their way', async () => {
  const { volunteer_id } = await api(page, '/api/v1/session')
  const had = await labelsOf(page)
  trouble.expected = true
  await context.clearCookies({ name: 'aftermap_access' })
  await page.keyboard.press('1')
  await page.waitForResponse((reply) => reply.url().endsWith('/api/v1/labels') && reply.ok())
  await saved(page)
  assert.equal(await labelsOf(page), had + 1)
  await context.clearCookies({ name: 'aftermap_access' })
  await page.reload()
  await drawn(page)
  assert.equal((await api(page, '/api/v1/session')).volunteer_id, volunteer_id)
})

await test('care: the notice stands before the first tile, help lines on the workbench, and twenty minutes bring a break', async () => {
  const { page: fresh, context: own } = await visitor(DESK)
  await fresh.clock.install()
  await open(fresh, `/c/${PAIR}/label`)
  await fresh.getByTestId('gate').waitFor()
  await passGate(fresh)
  await fresh.getByTestId('support').click()
  assert.ok((await fresh.locator('dialog[open]').textContent()).length > 60)
  await fresh.keyboard.press('Escape')
  for (let minute = 0; minute < 24 && (await fresh.getByTestId('break').count()) === 0; minute += 4) {
    await drawn(fresh)
    await fresh.keyboard.press('u')
    await counted(fresh, minute / 4 + 1)
    await fresh.clock.fastForward('04:00')
  }
  await fresh.getByTestId('break').waitFor()
  await fresh.getByTestId('break-on').click()
  await saved(fresh)
  await own.close()
})

await test('of two tabs of a campaign only the one that closes last gives its tiles back', async () => {
  const { page: home, context: own } = await visitor(DESK)
  const [first, second] = [await own.newPage(), await own.newPage()]
  const [reply] = await Promise.all([first.waitForResponse((reply) => reply.url().endsWith('/leases')), startLabelling(first)])
  const ids = (await reply.json()).leases.map(({ lease_id }) => lease_id)
  await startLabelling(second)
  await Promise.all([drawn(first), drawn(second), open(home, '/')])
  const left = () => home.evaluate((lease_ids) => fetch('/api/v1/leases/renew', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ lease_ids }) }).then((reply) => reply.json()), ids).then(({ leases }) => leases.length)
  assert.ok(ids.length > 0)
  await second.goto('about:blank')
  await home.waitForTimeout(500)
  assert.equal(await left(), ids.length)
  await first.goto('about:blank')
  for (let tries = 0; tries < 20 && (await left()) > 0; tries += 1) await home.waitForTimeout(100)
  assert.equal(await left(), 0)
  await own.close()
})

assert.ok(boss.name)
await coordinator.context.close()
await context.close()
