// Outbox (6): the line is cut in the middle of twenty answers, the page reloaded without it, the server killed and started again.
import { strict as assert } from 'node:assert'
import { caught, counted, count, DESK, drawn, labelsOf, PAIR, saved, server, skip, startLabelling, test, trouble, visitor } from './harness.mjs'

await test('twenty answers over a cut line, a reload without it, and a killed server are twenty labels', async () => {
  if (!server) return skip('killing the server', 'it is not ours to kill')
  const { page, context } = await visitor({ ...DESK, serviceWorkers: 'allow' })
  trouble.expected = true
  let given = 0
  const answer = async (key) => {
    const before = await count(page)
    await drawn(page)
    await page.keyboard.press(key)
    await counted(page, before + 1)
    given += 1
  }
  await startLabelling(page)
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
  await page.reload() // from here on the service worker is there
  await drawn(page)
  for (let turn = 0; turn < 7; turn += 1) await answer(turn % 2 ? '1' : 'u')
  await saved(page)
  await page.waitForTimeout(1500) // the images of the tiles in hand arrive

  await context.setOffline(true)
  await answer('1')
  await page.locator('[data-testid=outbox][data-kind=unsent]').waitFor()
  await page.reload()
  await page.getByTestId('workbench').waitFor()
  await page.locator('[data-testid=outbox][data-kind=unsent]').waitFor()
  let inHand = 0
  while (given < 20 && inHand < 4 && (await page.locator('[data-testid=compare]').count()) > 0) {
    await answer('2')
    inHand += 1
    await page.waitForTimeout(200)
  }
  assert.ok(inHand >= 1, 'tiles in hand can be labelled without a network')
  console.log(`      ${inHand + 1} answers without a network, one reload among them`)

  await server.kill()
  await context.setOffline(false)
  await page.reload()
  await page.locator('[data-testid=outbox]').waitFor()
  assert.notEqual(await page.getByTestId('outbox').getAttribute('data-kind'), 'saved')
  await server.restart()
  await page.reload()
  await drawn(page)
  while (given < 20) await answer('1')
  await saved(page)
  assert.equal(await labelsOf(page), 20)
  await context.close()
})

await test('the page can be installed: manifest, icons, a worker that holds no answer of the server', async () => {
  const { page, context } = await visitor({ ...DESK, serviceWorkers: 'allow' })
  await page.goto('/')
  const manifest = await page.evaluate(async () => (await fetch(document.querySelector('link[rel=manifest]').href)).json())
  for (const { src } of manifest.icons) assert.equal(await page.evaluate((src) => fetch(src).then((reply) => reply.status), src), 200, src)
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
  const kept = await page.evaluate(async () => (await Promise.all((await caches.keys()).map(async (name) => (await (await caches.open(name)).keys()).map(({ url }) => new URL(url).pathname)))).flat())
  assert.ok(kept.includes('/') && kept.every((path) => !path.startsWith('/api/')), kept.join())
  await context.close()
})

await test('closing the page gives the tiles back that were not answered', async () => {
  const { page, context } = await visitor(DESK)
  await startLabelling(page)
  await drawn(page)
  const [body] = await caught(context, '**/api/v1/leases/release', async () => {
    await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pagehide', { persisted: false })))
    await page.waitForTimeout(500)
  })
  assert.ok(body.lease_ids.length > 0)
  await context.close()
})
