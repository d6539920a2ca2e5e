// Notes and flags (5): a remark goes with the answer, or alone with a skip; nothing refused is dropped in silence.
import { strict as assert } from 'node:assert'
import { button, caught, classesOf, count, counted, DESK, drawn, saved, startLabelling, test, trouble, visitor } from './harness.mjs'

const { page, context } = await visitor(DESK)
await startLabelling(page)
await drawn(page)
const scale = await classesOf(page)

await test('a remark and a flag travel with the answer', async () => {
  await page.keyboard.press('r')
  await page.getByTestId('note').fill('A crane stands on the roof.')
  await page.getByTestId('flag').check()
  await page.getByTestId('remark-keep').click()
  assert.equal(await page.getByTestId('remark').getAttribute('aria-pressed'), 'true')
  const [[item]] = await caught(context, '**/api/v1/labels', async () => {
    await button(page, scale[0]).click()
    await counted(page, 1)
    await saved(page)
  })
  assert.equal(item.note, 'A crane stands on the roof.')
  assert.equal(item.flagged, true)
  assert.equal(await page.getByTestId('remark').getAttribute('aria-pressed'), 'false')
})

await test('a remark without an answer is sent as a note, and the tile is skipped', async () => {
  await drawn(page)
  const had = await count(page)
  await page.getByTestId('remark').click()
  await page.getByTestId('note').fill('Cannot be seen from here.')
  const sent = page.waitForResponse((reply) => reply.url().endsWith('/notes') && reply.request().method() === 'POST')
  await page.getByTestId('remark-skip').click()
  assert.equal((await sent).status(), 200)
  await saved(page)
  assert.equal(await count(page), had)
})

await test('an answer that the server refuses is kept and shown with the reason until it was read', async () => {
  await drawn(page)
  trouble.expected = true
  const had = await count(page)
  await context.route('**/api/v1/labels', async (route) => {
    const items = route.request().postDataJSON()
    await route.fulfill({ json: { results: items.map(({ id }) => ({ id, status: 'refused', code: 'invalid', field: 'answer', reason: 'this answer is not on the scale' })), leases: [] } })
  })
  await button(page, scale[0]).click()
  await counted(page, had + 1)
  await page.locator('[data-testid=outbox][data-kind=refused]').click()
  assert.match(await page.locator('dialog[open]').textContent(), /this answer is not on the scale/)
  await context.unroute('**/api/v1/labels')
  await page.reload()
  await page.locator('[data-testid=outbox][data-kind=refused]').click()
  await page.locator('dialog[open] li ~ p button, dialog[open] ul + p button').first().click()
  await page.locator('[data-testid=outbox][data-kind=refused]').waitFor({ state: 'detached' })
})

await context.close()
