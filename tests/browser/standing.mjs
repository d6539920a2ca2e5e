// How am I doing (7): counts, agreement in words, misses, news; the leaderboard where the coordinator wants one.
import { strict as assert } from 'node:assert'
import { base, counted, DESK, drawn, open, PAIR, saved, server, skip, startLabelling, test, visitor } from './harness.mjs'

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

  if (!server) skip('leaderboard', 'the server is not ours to change')
  else {
    await test('there is a leaderboard only where the coordinator wants one, under pseudonyms, and I find myself on it', async () => {
      await context.unroute('**/me/misses**')
      const leaders = page.getByTestId('leaders')
      const look = async () => {
        await open(page, `/c/${PAIR}/mine`)
        await page.locator('[data-testid=misses][data-state=there]').waitFor()
      }
      await look()
      assert.equal(await leaders.count(), 0)
      server.setPolicy(PAIR, { leaderboard: true })
      await look()
      const mine = leaders.locator('tr.me')
      await mine.waitFor()
      assert.equal(await leaders.locator('tr.me').count(), 1)
      assert.equal(await mine.locator('td').last().textContent(), '3')
      const labels = (await leaders.locator('tbody td:last-child').allTextContents()).map(Number)
      assert.deepEqual(labels, [...labels].sort((a, b) => b - a))
      server.setPolicy(PAIR, { leaderboard: false })
      await look()
      assert.equal(await leaders.count(), 0)
    })
  }
  await context.close()
}
