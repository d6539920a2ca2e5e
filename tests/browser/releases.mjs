// Releases: a coordinator freezes the map, everybody reads the files, the checksums and the citation.
import { strict as assert } from 'node:assert'
import { createHash } from 'node:crypto'
import { api, base, DESK, open, PAIR, PHONE, shots, signIn, test, violations, visitor } from './harness.mjs'

const PAGE = `/c/${PAIR}/releases`
/** Tiles of the last ten minutes are left out only when one says so. */
const allTheSame = async (page) => {
  const late = page.locator('dialog[open] [data-testid=release-anyway]')
  if (Number(await page.getByTestId('release-outlook').getAttribute('data-late')) === 0) return
  assert.equal(await page.getByTestId('make-release-yes').isDisabled(), true, 'not without a word')
  await late.check()
}
const cards = (page) => page.getByTestId('release')

await test('the button asks first, says for whom, and makes a version', async () => {
  const { page, context } = await visitor(DESK)
  await signIn(page)
  await open(page, `/c/${PAIR}`)
  await page.getByTestId('part-releases').click()
  await page.getByTestId('make-release').click()
  const dialog = page.locator('dialog[open]')
  assert.match(await dialog.textContent(), /never change.*Everybody/s)
  assert.deepEqual(await violations(page), [])
  await page.screenshot({ path: `${shots}/releases-make-1280-light.png` })
  await page.keyboard.press('Escape')
  assert.equal(await cards(page).count(), 0, 'nothing was made')
  await page.getByTestId('make-release').click()
  await dialog.locator('textarea[name=authors]').fill('Amnesty: "International"\n  حلب  ')
  await dialog.locator('textarea[name=notes]').fill('First map.\n<b>not bold</b>')
  await allTheSame(page)
  await page.getByTestId('make-release-yes').click()
  await page.getByTestId('made').waitFor()
  assert.equal(await cards(page).count(), 1)
  const words = await cards(page).first().textContent()
  for (const part of ['<b>not bold</b>', 'Amnesty: "International"; حلب', 'version 1']) assert.ok(words.includes(part), `${part} in ${words}`)
  await page.getByTestId('make-release').click()
  await allTheSame(page)
  await page.getByTestId('make-release-yes').click()
  await page.locator('[data-testid=release][data-version="2"]').waitFor()
  const { releases } = await api(page, `/api/v1/campaigns/${PAIR}/releases`)
  assert.deepEqual(releases[0].citation.authors, releases[1].citation.authors, 'authors stay')
  await context.close()
})

await test('somebody who is not signed in reads releases; the files are what their checksums say', async () => {
  const { page, context } = await visitor(PHONE)
  await open(page, PAGE)
  await cards(page).first().waitFor()
  assert.equal(await page.getByTestId('make-release').count(), 0)
  const shown = await cards(page).first().locator('li').evaluateAll((lines) => lines.map((line) => [line.querySelector('a').getAttribute('href'), line.querySelector('code').textContent]))
  assert.ok(shown.some(([path]) => path.endsWith('/tiles.csv')) && !shown.some(([path]) => path.endsWith('/labels.csv')))
  for (const [path, sum] of shown) {
    const bytes = Buffer.from(await (await fetch(base + path)).arrayBuffer())
    assert.equal(createHash('sha256').update(bytes).digest('hex'), sum, path)
  }
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await cards(page).first().locator('button').click()
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), await page.getByTestId('citation').first().textContent())
  await context.close()
})

for (const [size, shape] of [['360', PHONE], ['1280', DESK]]) {
  for (const look of ['light', 'dark', 'arabic']) {
    await test(`releases at ${size} pixels, ${look}: accessible, and nothing wider than the screen`, async () => {
      const { page, context } = await visitor({ ...shape, colorScheme: look === 'dark' ? 'dark' : 'light' })
      await signIn(page)
      await open(page, PAGE, look === 'arabic' ? '?lang=ar' : '')
      await cards(page).first().waitFor()
      await page.screenshot({ path: `${shots}/releases-${size}-${look}.png`, fullPage: true })
      const found = await violations(page)
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
      if (wide > 0) found.push(`${wide} pixels wider than the screen`)
      assert.deepEqual(found, [])
      await context.close()
    })
  }
}
