// How am I doing (7): counts, agreement in words, misses, news.
import { strict as assert } from 'node:assert'
import { base, counted, DESK, drawn, open, PAIR, saved, skip, startLabelling, test, visitor } from './harness.mjs'

if ((await fetch(`${base}/api/v1/campaigns/${PAIR}/me`)).status === 404) skip('standing', 'the server does not tell it')
else {
  const { page, context } = await visitor(DESK)
  await test('my own page counts what I did and shows no more than may be known', async () => {
    await startLabelling(page)
    for (let tile = 1; tile <= 3; tile += 1) {
      await drawn(page)
      await page.keyboard.press('1')
      await counted(page, tile)
    }
    await saved(page)
    await open(page, `/c/${PAIR}/mine`)
    await page.getByTestId('mine').waitFor()
    assert.equal(await page.getByTestId('mine-labels').textContent(), '3')
    await page.locator('[data-testid=misses][data-state=there]').waitFor()
  })

  await test('misses show both answers and the reason, under the images', async () => {
    const { lease, frames } = await page.evaluate(async (slug) => {
      const { leases } = await (await fetch(`/api/v1/campaigns/${slug}/leases`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"count":1}' })).json()
      return { lease: leases[0], frames: leases[0].frames }
    }, PAIR)
    const miss = { tile: lease.tile, frames, mine: { answer: 'damaged' }, consensus: { answer: 'destroyed', probability: 0.93, labels: 4, agreement: 0.75 }, explanation: 'The roof has **fallen in**.', closed_at: '2026-01-02T03:04:05Z' }
    await context.route('**/me/misses**', (route) => route.fulfill({ json: { misses: [miss], next: null, shown: true } }))
    await page.reload()
    const gallery = page.getByTestId('misses')
    await gallery.locator('li').waitFor()
    const words = await gallery.textContent()
    for (const part of ['Damaged', 'Destroyed', '93%', '4 answers', 'fallen in']) assert.ok(words.includes(part), `${part} in ${words}`)
  })
  await context.close()
}
