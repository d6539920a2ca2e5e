// Languages (9): five of them, chosen by the device or by hand, right to left with before on the left, remembered.
import { strict as assert } from 'node:assert'
import { api, base, button, classesOf, counted, DESK, drawn, open, PAIR, passGate, PHONE, saved, startLabelling, test, visitor } from './harness.mjs'

await test('the page speaks the language of the device, and each other one by hand, remembered', async () => {
  const { page, context } = await visitor({ ...DESK, locale: 'fr-FR' })
  await open(page, '/')
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'fr')
  const titles = new Set([await page.locator('h1').textContent()])
  for (const code of ['es', 'ar', 'uk', 'en']) {
    await page.getByTestId('language').click()
    await page.getByTestId(`language-${code}`).click()
    await page.waitForFunction((code) => document.documentElement.lang === code, code)
    await page.getByTestId(`campaign-${PAIR}`).waitFor()
    titles.add(await page.locator('h1').textContent())
  }
  assert.equal(titles.size, 5)
  await page.reload()
  await page.locator('h1').waitFor()
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'en')
  await context.close()
})

await test('in Arabic the page runs from right to left, and before stays on the left of the swipe', async () => {
  const { page, context } = await visitor({ ...PHONE, locale: 'ar' })
  await startLabelling(page)
  await drawn(page)
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).direction), 'rtl')
  const [before, after] = await Promise.all(['.plate.before', '.plate.after'].map((plate) => page.locator(plate).boundingBox()))
  assert.ok(before.x < after.x)
  const [first, last] = await Promise.all((await classesOf(page)).filter((_, at, all) => at === 0 || at === all.length - 1).map((key) => button(page, key).boundingBox()))
  assert.ok(first.x > last.x, 'answers run from right to left')
  await button(page, 'unsure').tap()
  await counted(page, 1)
  await saved(page)
  assert.match(await page.getByTestId('session-count').textContent(), /إجابة واحدة/)
  await context.close()
})

await test('campaign texts come in the language chosen, where the coordinator wrote them', async () => {
  const { languages = [], title } = await (await fetch(`${base}/api/v1/campaigns/${PAIR}`)).json()
  const { page, context } = await visitor(DESK)
  await open(page, `/c/${PAIR}`, '?lang=fr')
  const expected = (await api(page, `/api/v1/campaigns/${PAIR}?lang=fr`)).title
  assert.equal(await page.locator('h1').textContent(), expected)
  if (languages.includes('fr')) assert.notEqual(expected, title)
  await context.close()
})

await test('no text of the page is missing in any language', async () => {
  for (const locale of ['fr', 'es', 'ar', 'uk']) {
    const { page, context } = await visitor({ ...DESK, locale })
    await open(page, `/c/${PAIR}`)
    const words = await page.locator('body').innerText()
    assert.doesNotMatch(words, /\b(app|home|label|campaign|training|mine)\.[a-z_]+\b/, locale)
    await open(page, `/c/${PAIR}/label`)
    await passGate(page)
    assert.doesNotMatch(await page.locator('body').innerText(), /\b(app|label|answer|timeline|remark)\.[a-z_]+\b/, locale)
    await context.close()
  }
})
