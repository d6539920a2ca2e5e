// A cheap phone on a slow line: a processor slowed to a quarter, 3G. How long until the first tile, and between tiles.
import { strict as assert } from 'node:assert'
import { button, counted, drawn, labelsOf, PAIR, passGate, percentile, PHONE, saved, test, visitor } from './harness.mjs'

await test('a slow phone on a 3G line labels five tiles', async () => {
  const { page, context } = await visitor(PHONE)
  const cdp = await context.newCDPSession(page)
  await cdp.send('Network.enable')
  await cdp.send('Network.emulateNetworkConditions', { offline: false, latency: 300, downloadThroughput: (1.6 * 1024 * 1024) / 8, uploadThroughput: (750 * 1024) / 8 })
  await cdp.send('Emulation.setCPUThrottlingRate', { rate: 4 })
  page.setDefaultTimeout(60_000)
  const began = Date.now()
  await page.goto(`/#/c/${PAIR}/label`)
  await page.locator('h1').first().waitFor()
  const first = Date.now() - began
  await passGate(page)
  await drawn(page)
  const tile = Date.now() - began
  const times = []
  for (let turn = 1; turn <= 5; turn += 1) {
    const old = await page.getByTestId('compare').getAttribute('data-tile')
    const pressed = Date.now()
    await button(page, 'unsure').tap()
    await page.waitForFunction((old) => { const stage = document.querySelector('[data-testid=compare]'); return stage && stage.dataset.tile !== old && stage.dataset.drawn === 'true' }, old)
    times.push(Date.now() - pressed)
    await counted(page, turn)
    await page.waitForTimeout(1500) // a person looks at a tile; the next ones load meanwhile
  }
  await saved(page)
  console.log(`      slow phone, 3G: first words ${first} ms, first tile ${tile} ms, tap to next pair median ${percentile(times, 0.5)} ms, worst ${Math.max(...times)} ms`)
  assert.equal(await labelsOf(page), 5)
  await context.close()
})
