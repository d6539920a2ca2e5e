// The results map: what a researcher sees, filters, follows to its reasons and takes away; and that open tiles give nothing away.
import { strict as assert } from 'node:assert'
import { readFileSync } from 'node:fs'
import { api, base, DESK, offers, open, PAIR, PHONE, server, shots, signIn, skip, test, TIMELINE, violations, visitor } from './harness.mjs'

const drawnMap = (page) => page.locator('[data-testid=map-frame][data-drawn=true]').waitFor()
const settled = (page) => page.locator('[data-testid=results][data-settled=true]').waitFor()
const shown = (page) => page.getByTestId('results').getAttribute('data-shown').then(Number)
const slide = async (page, name, value) => {
  await page.getByTestId(name).fill(String(value))
  await page.waitForTimeout(60)
  await settled(page)
}
const check = async (page, name) => {
  await page.getByTestId(name).click()
  await page.waitForTimeout(60)
  await settled(page)
}
async function openMap(page, slug = PAIR, query = '', language = '') {
  await open(page, `/c/${slug}/map${query}`, language)
  await page.getByTestId('results').waitFor()
  await drawnMap(page)
}
/** Opens a tab of the panel, which on a phone draws the sheet up. */
async function tab(page, name) {
  if ((await page.getByTestId('panel').getAttribute('data-height')) === 'low' || (await page.getByTestId(`tab-${name}`).getAttribute('aria-selected')) !== 'true') await page.getByTestId(`tab-${name}`).click()
  await page.locator(`[data-testid=tab-${name}][aria-selected=true]`).waitFor()
}
/** The rows of the download that the panel offers now. */
async function download(page, file = 'tiles.csv') {
  await tab(page, 'download')
  const href = await page.getByTestId(`file-${file}`).getAttribute('href')
  const text = await page.evaluate((href) => fetch(href).then((reply) => reply.text()), href)
  await tab(page, 'filter')
  const [head, ...rows] = text.trim().split(/\r?\n/).map((line) => line.match(/("([^"]|"")*"|[^,]*)(,|$)/g).map((cell) => cell.replace(/,$/, '')))
  return rows.map((row) => Object.fromEntries(head.map((name, place) => [name, row[place]])))
}

/** A small crowd that agrees on every tile of the timeline and says when it happened: by the tile's number. */
async function labelTimeline() {
  const send = async (token, method, path, body) => {
    const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) }
    const reply = await fetch(`${base}/api/v1${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) })
    assert.ok(reply.ok, `${path}: ${reply.status} ${await reply.clone().text()}`)
    return reply.json()
  }
  // A refit would take people who agree so well for a ring.
  server.setPolicy(TIMELINE, { refit_after: 100_000 })
  for (let guest = 0; guest < 4; guest += 1) {
    const { token } = await send(null, 'POST', '/guests', { token: true })
    for (let turn = 0; turn < 40; turn += 1) {
      const { leases } = await send(token, 'POST', `/campaigns/${TIMELINE}/leases`, { count: 5 })
      if (leases.length === 0) break
      const items = leases.map(({ lease_id, tile, frames }) => {
        const place = Number(tile.id.replace(/\D/g, '')) % (frames.length + 1)
        const intact = place >= frames.length - 1
        const window = intact ? { last_intact: frames.at(-1).scene_id, first_damaged: null } : { last_intact: frames[place].scene_id, first_damaged: frames[place + 1].scene_id }
        return { id: crypto.randomUUID(), lease_id, answer: intact ? 'no_visible_damage' : place % 2 ? 'destroyed' : 'damaged', window, seconds: 4 }
      })
      await send(token, 'POST', '/labels', items)
    }
  }
}

if (!server) skip('the results map', 'it needs a server of its own to fill with labels')
else {
  const timeline = await offers(TIMELINE)
  await test('simulated volunteers close the tiles of the demo', async () => {
    await server.simulate(PAIR, 120)
    if (timeline) await labelTimeline()
    const { progress } = await fetch(`${base}/api/v1/campaigns/${PAIR}`).then((reply) => reply.json())
    assert.ok(server.closed(PAIR) > progress.tiles / 2, `${server.closed(PAIR)} of ${progress.tiles}`)
  })

  await test('everybody learns nothing of tiles that closed a moment ago', async () => {
    const { page, context } = await visitor(DESK)
    const bodies = []
    page.on('response', async (reply) => /\/map\//.test(reply.url()) && bodies.push(await reply.text().catch(() => '')))
    await openMap(page)
    assert.equal(await page.getByTestId('count-destroyed').textContent(), '0')
    const all = await page.getByTestId('count-none').textContent()
    assert.equal(Number(all), await shown(page))
    await tab(page, 'table')
    await page.locator('[data-testid=tile-table][data-busy=false]').waitFor()
    await page.locator('[data-testid=tile-table] tbody button').first().click()
    await page.getByTestId('tile').waitFor()
    assert.equal(await page.getByTestId('reasons').count(), 0)
    assert.ok(bodies.length > 3)
    for (const body of bodies.filter((body) => !body.startsWith('{'))) assert.ok(!/destroyed|no_visible_damage|settled|probability/.test(body), 'a vector tile')
    for (const body of bodies.filter((body) => body.startsWith('{')).map((body) => JSON.parse(body))) {
      const { states, classes, damaged_at_least, probability_at_least, tiles, finding, reasons } = body
      if (states) {
        assert.ok(states.every(({ state, tiles }) => state === 'open' || tiles === 0), JSON.stringify(states))
        assert.deepEqual([...classes.map(({ tiles }) => tiles), ...damaged_at_least, ...probability_at_least].filter(Boolean), [])
      } else if (tiles) assert.ok(tiles.every(({ state, value }) => state === 'open' && value === null))
      else assert.deepEqual([finding, reasons], [null, null])
    }
    await context.close()
  })

  await test('filters change the counts, and these are those of the download', async () => {
    const { page, context } = await visitor(DESK)
    await signIn(page)
    await openMap(page)
    const all = await shown(page)
    assert.equal((await download(page)).length, all)
    await check(page, 'class-destroyed')
    await check(page, 'class-damaged')
    const some = await shown(page)
    assert.ok(some > 0 && some < all, `${some} of ${all}`)
    await slide(page, 'least', 80)
    await slide(page, 'damaged-if', 97)
    const sure = await shown(page)
    assert.ok(sure < some, `${sure} of ${some}`)
    const rows = await download(page)
    assert.equal(rows.length, sure)
    assert.ok(rows.every((row) => ['destroyed', 'damaged'].includes(row.class) && Number(row.probability) >= 0.8))
    const damaged = rows.filter((row) => row.damaged === 'true').length
    assert.match(await page.getByTestId('damaged-count').textContent(), new RegExp(`: ${damaged} of ${sure}$`))
    // Contested and unusable tiles that lean to a class pass the filter, and are counted apart.
    const apart = rows.filter(({ state }) => state === 'contested' || state === 'unusable').length
    assert.equal(Number(await page.getByTestId('count-destroyed').textContent()) + Number(await page.getByTestId('count-damaged').textContent()) + apart, sure)
    await check(page, 'state-open')
    assert.equal(await shown(page), (await download(page)).length)
    await page.getByTestId('reset-filter').click()
    await page.locator(`[data-testid=results][data-shown="${all}"]`).waitFor()
    // Only what the map shows.
    await page.getByRole('button', { name: 'Zoom in' }).click()
    await page.getByRole('button', { name: 'Zoom in' }).click()
    await drawnMap(page)
    await check(page, 'in-view')
    const near = await shown(page)
    assert.ok(near < all, `${near} of ${all}`)
    assert.equal((await download(page)).length, near)
    await context.close()
  })

  await test('a link brings the view back: filter, place, images, tile', async () => {
    const { page, context } = await visitor(DESK)
    await signIn(page)
    const { scenes } = await api(page, `/api/v1/campaigns/${PAIR}`)
    const { tiles } = await api(page, `/api/v1/campaigns/${PAIR}/map/tiles?class=destroyed&limit=1`)
    await openMap(page, PAIR, `?swipe=${scenes[0].id}`)
    await check(page, 'class-destroyed')
    await slide(page, 'least', 40)
    await page.getByTestId('paint-damaged').click()
    await page.getByRole('button', { name: 'Zoom in' }).click()
    await drawnMap(page)
    await tab(page, 'table')
    await page.getByTestId(`row-${tiles[0].tile_id}`).click()
    await page.getByTestId('reasons').waitFor()
    await page.waitForTimeout(500)
    const link = page.url()
    assert.match(link, /class=destroyed.*least=40/)
    const other = await context.newPage()
    await other.goto(link)
    await other.locator(`[data-testid=tile][data-tile="${tiles[0].tile_id}"]`).waitFor()
    await drawnMap(other)
    await other.waitForTimeout(500)
    assert.equal(other.url(), link)
    assert.equal(await shown(other), await shown(page))
    await tab(other, 'filter')
    assert.ok(await other.getByTestId('class-destroyed').isChecked())
    assert.ok(await other.getByTestId('paint-damaged').isChecked())
    await other.getByTestId('map-swipe').waitFor()
    await context.close()
  })

  await test('the reasons of a tile name every label and add up', async () => {
    const { page, context } = await visitor(DESK)
    await signIn(page)
    const { tiles } = await api(page, `/api/v1/campaigns/${PAIR}/map/tiles?class=destroyed&state=settled&limit=1`)
    const full = await api(page, `/api/v1/campaigns/${PAIR}/map/tiles/${tiles[0].tile_id}`)
    const { prior, labels, flattening, pooling, evidence, reproduced } = full.reasons
    const sum = labels.reduce((sum, label) => sum + (label.evidence ?? 0), prior + flattening + pooling)
    assert.ok(Math.abs(sum - evidence) < 1e-6 && reproduced, `${sum} ${evidence} ${reproduced}`)
    await openMap(page, PAIR, `?tile=${tiles[0].tile_id}&tab=tile`)
    await page.getByTestId('reasons').waitFor()
    assert.equal(await page.locator('[data-testid=reasons] tbody tr').count(), labels.length)
    await page.getByTestId('slider').focus()
    await page.keyboard.press('ArrowRight')
    await page.locator('[data-testid=compare][data-drawn=true]').waitFor()
    await context.close()
  })

  await test('by keyboard alone: the map, its cross, the tabs, the list', async () => {
    const { page, context } = await visitor(DESK)
    await signIn(page)
    const { tiles } = await api(page, `/api/v1/campaigns/${PAIR}/map/tiles?class=damaged&limit=1`)
    const [west, south, east, north] = tiles[0].bbox
    await openMap(page, PAIR, `?at=${(west + east) / 2},${(south + north) / 2},19`)
    await page.getByTestId('results-map').focus()
    await page.keyboard.press('Enter')
    await page.locator(`[data-testid=tile][data-tile="${tiles[0].tile_id}"]`).waitFor()
    await page.keyboard.press('Escape')
    await page.getByTestId('tile').waitFor({ state: 'detached' })
    const before = page.url()
    await page.keyboard.press('ArrowUp')
    await page.waitForFunction((before) => location.href !== before, before)
    await page.getByTestId('tab-tile').focus()
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowRight')
    await page.locator('[data-testid=tile-table][data-busy=false]').waitFor()
    const first = page.locator('[data-testid=tile-table] tbody button').first()
    await first.focus()
    const name = await first.textContent()
    await page.keyboard.press('Enter')
    await page.locator(`[data-testid=tile][data-tile="${name}"]`).waitFor()
    await context.close()
  })

  if (!timeline) skip('the time slider', 'this demo has no timeline')
  else {
    const watch = server.coordinator(TIMELINE, 'timeline-test')
    await test('the time slider shows what was hit between two images, step by step for those who want no motion', async () => {
      const { page, context } = await visitor({ ...DESK, reducedMotion: 'reduce' })
      await signIn(page, watch)
      await openMap(page, TIMELINE)
      const { scenes } = await api(page, `/api/v1/campaigns/${TIMELINE}`)
      const all = await api(page, `/api/v1/campaigns/${TIMELINE}/map/statistics`)
      const dated = all.windows.filter(({ first_damaged }) => first_damaged).reduce((sum, { tiles }) => sum + tiles, 0)
      assert.ok(dated > 20, JSON.stringify(all.windows))
      const seen = []
      for (const scene of scenes.slice(1)) {
        await page.getByTestId('play').click()
        await page.waitForTimeout(80)
        await settled(page)
        const expected = all.windows.find(({ first_damaged }) => first_damaged === scene.id)?.tiles ?? 0
        assert.equal(await shown(page), expected, scene.captured_from)
        seen.push(expected)
      }
      assert.equal(seen.reduce((sum, tiles) => sum + tiles, 0), dated)
      assert.equal((await download(page)).length, seen.at(-1))
      await page.getByTestId('play').click()
      await page.locator(`[data-testid=results][data-shown="${all.shown}"]`).waitFor()
      await page.getByTestId('paint-when').click()
      await drawnMap(page)
      await page.screenshot({ path: `${shots}/map-when-1280-light.png` })
      await context.close()
    })

    await test('of a timeline any two dates can be compared', async () => {
      const { page, context } = await visitor(DESK)
      await signIn(page, watch)
      const { tiles } = await api(page, `/api/v1/campaigns/${TIMELINE}/map/tiles?class=destroyed&limit=1`)
      const full = await api(page, `/api/v1/campaigns/${TIMELINE}/map/tiles/${tiles[0].tile_id}`)
      await openMap(page, TIMELINE, `?tile=${tiles[0].tile_id}&tab=tile`)
      assert.equal(await page.getByTestId('date-before').inputValue(), full.finding.window.last_intact)
      assert.equal(await page.getByTestId('date-after').inputValue(), full.finding.window.first_damaged)
      await page.getByTestId('date-after').selectOption(full.frames.at(-1).scene_id)
      await page.locator('[data-testid=compare][data-drawn=true]').waitFor()
      await context.close()
    })
  }

  await test('the picture is a PNG with the map, its legend and its credits; paper shows no buttons', async () => {
    const { page, context } = await visitor(DESK)
    await signIn(page)
    await openMap(page, PAIR, '?tab=download')
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByTestId('picture').click()])
    assert.equal(file.suggestedFilename(), `${PAIR}-map.png`)
    await file.saveAs(`${shots}/map-picture.png`)
    const bytes = readFileSync(`${shots}/map-picture.png`)
    assert.deepEqual([...bytes.subarray(0, 4)], [0x89, 0x50, 0x4e, 0x47])
    const frame = await page.getByTestId('map-frame').boundingBox()
    assert.ok(bytes.readUInt32BE(16) > frame.width && bytes.readUInt32BE(20) > frame.height + 100, 'title and legend have room')
    await page.emulateMedia({ media: 'print' })
    assert.ok(!(await page.getByTestId('panel').isVisible()))
    assert.ok(await page.getByTestId('print-sheet').isVisible())
    await page.screenshot({ path: `${shots}/map-print.png`, fullPage: true })
    await context.close()
  })

  for (const [size, shape] of [['360', PHONE], ['1280', DESK]]) {
    for (const look of ['light', 'dark', 'arabic']) {
      await test(`every tab of the results map at ${size} pixels, ${look}: no accessibility violation, nothing too wide`, async () => {
        const { page, context } = await visitor({ ...shape, colorScheme: look === 'dark' ? 'dark' : 'light' })
        await signIn(page)
        const { tiles } = await api(page, `/api/v1/campaigns/${PAIR}/map/tiles?class=destroyed&limit=1`)
        const { scenes } = await api(page, `/api/v1/campaigns/${PAIR}`)
        await openMap(page, PAIR, `?tile=${tiles[0].tile_id}&swipe=${scenes[0].id}`, look === 'arabic' ? '?lang=ar' : '')
        const found = []
        for (const name of ['filter', 'tile', 'figures', 'table', 'download']) {
          await tab(page, name)
          if (name === 'tile') await page.getByTestId('reasons').waitFor()
          if (name === 'table') await page.locator('[data-testid=tile-table][data-busy=false]').waitFor()
          await page.waitForTimeout(300)
          await page.screenshot({ path: `${shots}/map-${name}-${size}-${look}.png` })
          found.push(...(await violations(page)).map((violation) => `${name}: ${violation}`))
          const wide = await page.evaluate(() => Math.max(...[document.documentElement, document.getElementById('panel-body')].map((one) => one.scrollWidth - one.clientWidth)))
          if (wide > 0) found.push(`${name}: ${wide} pixels too wide`)
        }
        assert.deepEqual(found, [])
        await context.close()
      })
    }
  }
}
