// A campaign that grows while it runs: more tiles from an area, with their number shown before, and a later picture for a timeline.
import { strict as assert } from 'node:assert'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { api, base, DESK, open, PAIR, PHONE, server, shots, signIn, skip, test, violations, visitor } from './harness.mjs'
import { plantTimeline } from './town.mjs'

const SLUG = 'growing'
const PAGE = `/c/${SLUG}/steer`
const tilesOf = async (page) => (await api(page, `/api/v1/campaigns/${SLUG}/map/statistics?bbox=-180,-85,180,85`)).counts

if (!server) skip('a campaign grows', 'the server is not ours')
else {
  const { bounds: [west, south, east, north] } = await (await fetch(`${base}/api/v1/campaigns/${PAIR}`)).json()
  const half = (west + east) / 2
  const left = plantTimeline(server, SLUG, { box: [west, south, half, north], zoom: 19, places: [0, 1, -1] })
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
  await context.close()
}
