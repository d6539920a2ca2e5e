// A campaign that grows while it runs: more tiles from an area, with their number shown before, and a later picture for a timeline.
import { strict as assert } from 'node:assert'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { api, base, DESK, open, PAIR, PHONE, server, shots, signIn, skip, test, trouble, violations, visitor } from './harness.mjs'
import { plantTimeline } from './town.mjs'

const SLUG = 'growing'
const PAGE = `/c/${SLUG}/steer`
const post = (page, rest, body) => page.evaluate(([path, body]) => fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }).then((reply) => reply.ok), [`/api/v1/campaigns/${SLUG}/${rest}`, body])
/** On a phone, in the dark and in Arabic. */
const WAYS = [['360-light', PHONE, ''], ['1280-dark', { ...DESK, colorScheme: 'dark' }, ''], ['360-arabic', { ...PHONE, locale: 'ar' }, '?lang=ar']]

if (!server) skip('a campaign grows', 'the server is not ours')
else {
  const { bounds: [west, south, east, north] } = await (await fetch(`${base}/api/v1/campaigns/${PAIR}`)).json()
  const half = (west + east) / 2
  plantTimeline(server, SLUG, { box: [west, south, half, north], zoom: 19, places: [0, 1, -1] })
  const { page, context } = await visitor({ viewport: { width: 1280, height: 1000 } })
  await signIn(page, server.coordinator(SLUG, 'gardener'))
  const part = page.getByTestId('extend')
  const openTiles = async () => (await api(page, `/api/v1/campaigns/${SLUG}/steering`)).open_tiles

  await test('an area drawn on the map says how many tiles it adds, and adds them when it is told to', async () => {
    await open(page, PAGE)
    const before = await openTiles()
    await part.locator('summary').click()
    await part.getByTestId('area').locator('canvas').first().waitFor()
    await part.getByTestId('draw-box').click()
    const map = part.getByTestId('area').getByRole('application')
    await map.scrollIntoViewIfNeeded()
    const box = await map.boundingBox()
    await page.mouse.click(box.x + box.width * 0.55, box.y + box.height * 0.3)
    await page.waitForTimeout(300)
    await page.mouse.click(box.x + box.width * 0.65, box.y + box.height * 0.6)
    await part.locator('[data-testid=extend-effect][data-tiles]').waitFor()
    const adds = Number(await part.getByTestId('extend-effect').getAttribute('data-tiles'))
    assert.ok(adds > 0, `${adds} tiles`)
    assert.equal(await openTiles(), before, 'nothing is changed yet')
    assert.deepEqual(await violations(page), [])
    await part.screenshot({ path: `${shots}/extend-1280-light.png` })
    await part.getByTestId('extend-add').click()
    await part.getByTestId('extended').waitFor()
    assert.equal(await openTiles(), before + adds)
  })

  await test('a file of an area adds what is left of it; the same again adds nothing, and says so', async () => {
    const ring = [[half, south], [east, south], [east, north], [half, north], [half, south]]
    const file = join(server.data, 'east.geojson')
    writeFileSync(file, JSON.stringify({ type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [ring] } }))
    const before = await openTiles()
    await part.locator('input[type=file]').setInputFiles(file)
    await part.locator('[data-testid=extend-effect][data-tiles]').waitFor()
    const adds = Number(await part.getByTestId('extend-effect').getAttribute('data-tiles'))
    await part.getByTestId('extend-add').click()
    await part.getByTestId('extended').waitFor()
    assert.ok(adds > 0 && (await openTiles()) === before + adds)
    await part.locator('input[type=file]').setInputFiles(file)
    await part.locator('[data-testid=extend-effect][data-tiles="0"]').waitFor()
    assert.ok(await part.getByTestId('extend-add').isDisabled())
    const { entries } = await api(page, `/api/v1/campaigns/${SLUG}/audit?act=extend_area`)
    assert.equal(entries.length, 2)
  })

  await test('a later picture is offered once the campaign is paused', async () => {
    const later = page.getByTestId('later')
    assert.equal(await later.locator('details').count(), 0, 'not while people label')
    await page.getByTestId('to-paused').click()
    await page.getByTestId('confirm').click()
    await later.getByTestId('newest').waitFor()
    await later.locator('summary').first().click()
    await later.getByTestId('file-scene').waitFor({ state: 'attached' })
    assert.deepEqual(await violations(page), [])
    await later.screenshot({ path: `${shots}/later-1280-light.png` })
  })

  await test('a release says what it still shows and was taken out of view since', async () => {
    assert.ok(await post(page, 'releases', { version: 1, notes: '', authors: ['Us'], incomplete: true }))
    await open(page, `/c/${SLUG}/releases`)
    await page.getByTestId('release').waitFor()
    assert.equal(await page.getByTestId('withdrawn-since').count(), 0)
    const [[tile]] = server.sql('SELECT tile_id FROM tiles JOIN campaigns ON campaigns.id = campaign_id WHERE slug = ? LIMIT 1', SLUG)
    assert.ok(await post(page, 'withdrawals', { tile_id: tile, reason: 'a legal demand' }))
    await open(page, `/c/${SLUG}/releases`)
    assert.match(await page.getByTestId('withdrawn-since').innerText(), /tiles: 1 /)
    assert.ok(await post(page, 'releases', { version: 2, notes: '', authors: [], incomplete: true }))
    await open(page, `/c/${SLUG}/releases`)
    await page.locator('[data-testid=release][data-version="2"]').waitFor()
    assert.equal(await page.getByTestId('withdrawn-since').count(), 1, 'the new one is clean')
    assert.match(await page.getByTestId('withdrawn-since').innerText(), /version 2/i)
  })

  await test('steering, check list, log and releases at 360 px, in the dark, and in Arabic without a word of English', async () => {
    trouble.expected = true // the map asks for the picture of the tile that was taken out of view
    for (const [name, options, query] of WAYS) {
      const { page: other, context: another } = await visitor(options)
      await another.addCookies(await context.cookies())
      for (const [part, ready] of [['steer', '[data-testid=extend] details'], ['setup?step=open', '[data-testid=checklist] li'], ['log', '[data-testid=log] li'], ['releases', '[data-testid=withdrawn-since]']]) {
        await open(other, `/c/${SLUG}/${part}`, query)
        await other.locator(ready).first().waitFor()
        for (const fold of await other.locator('[data-testid=extend] summary, [data-testid=later] summary, [data-testid=estimate] summary').all()) await fold.click()
        await other.waitForTimeout(500)
        await other.screenshot({ path: `${shots}/grow-${part.split('?')[0]}-${name}.png`, fullPage: true })
        assert.deepEqual(await violations(other), [], `${part} ${name}`)
        assert.equal(await other.locator('main [lang=en]').count(), 0, `${part} ${name} falls back to English`)
        const wide = await other.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
        assert.ok(wide <= 0, `${part} ${name} is ${wide} px too wide`)
      }
      await another.close()
    }
  })
  await context.close()
}
