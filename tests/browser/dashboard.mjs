// The dashboard while 200 simulated volunteers label: it moves by itself, and at the end every figure is what the database file says.
import { strict as assert } from 'node:assert'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { api, base, DESK, foreign, open, PAIR, PHONE, server, shots, signIn, skip, test, trouble, violations, visitor } from './harness.mjs'

const TILES = "FROM queue q JOIN campaigns k ON k.id = q.campaign_id WHERE k.slug = ?"
const LABELS = "FROM current_labels c JOIN queue q ON q.tile = c.tile JOIN campaigns k ON k.id = c.campaign_id WHERE k.slug = ?"
const WILSON_Z = 1.96

const desk = async (page, query = '') => {
  await open(page, `/c/${PAIR}/desk`, query)
  await page.getByTestId('dashboard').waitFor()
}
const shown = (page, id) => page.locator(`[data-testid=figure-${id}] .value`).textContent().then((text) => text.trim())
const number = async (page, id) => Number((await shown(page, id)).replaceAll(',', ''))
const near = (a, b, what) => assert.ok(Math.abs(a - b) < 1e-9, `${what}: ${a} and ${b}`)

/** Krippendorff's alpha with ordinal distances, straight from the definition: pairs of values within units, all against all. */
function ordinalAlpha(units, classes) {
  const used = units.filter((unit) => unit.length > 1)
  const total = Array(classes).fill(0)
  for (const value of used.flat()) total[value] += 1
  const distance = (a, b) => {
    const [low, high] = [Math.min(a, b), Math.max(a, b)]
    const between = total.slice(low, high + 1).reduce((sum, count) => sum + count, 0)
    return low === high ? 0 : (between - (total[low] + total[high]) / 2) ** 2
  }
  const all = used.flat()
  let [observed, expected] = [0, 0]
  for (const unit of used) for (const a of unit) for (const b of unit) observed += distance(a, b) / (unit.length - 1)
  for (const a of all) for (const b of all) expected += distance(a, b)
  return 1 - ((all.length - 1) * observed) / expected
}

if (!server) skip('the dashboard', 'it needs a server of its own to fill with labels')
else {
  const sql = (statement, ...more) => server.sql(statement, PAIR, ...more)
  const one = (statement, ...more) => sql(statement, ...more)[0][0]
  const { page } = await visitor(DESK)
  await signIn(page)

  await test('one row of tabs stands on every page of the campaign: where one is, and one click to anywhere', async () => {
    await open(page, `/c/${PAIR}`)
    const tabs = page.getByTestId('parts').getByRole('link')
    const ids = await tabs.evaluateAll((links) => links.map((link) => link.dataset.testid))
    assert.deepEqual(ids, ['campaign', 'setup', 'desk', 'review', 'gold', 'volunteers', 'steer', 'map', 'validate', 'releases', 'progress', 'log'].map((part) => `part-${part}`))
    for (const id of [...ids.slice(1), ids[0]]) {
      await page.getByTestId(id).click()
      await page.locator(`[data-testid=${id}][aria-current=page]`).waitFor()
      assert.deepEqual(await tabs.evaluateAll((links) => links.map((link) => link.dataset.testid)), ids, id)
      await page.locator('h1').waitFor()
    }
    const { page: stranger, context } = await visitor(PHONE)
    for (const part of ['', '/map', '/releases', '/progress', '/training']) {
      await open(stranger, `/c/${PAIR}${part}`)
      assert.equal(await stranger.getByTestId('parts').count(), 0, `a volunteer at ${part}`)
      if (part) await stranger.getByTestId('to-campaign').waitFor()
    }
    await context.close()
  })

  await test('the dashboard moves by itself while 200 volunteers label', async () => {
    await desk(page)
    const before = await number(page, 'labels')
    trouble.expected = true // a server that is busy with answers sends dashboards away for a while
    const seen = new Set()
    // People think between two tiles; the crowd is to leave the processor to the server as they do.
    const crowd = spawn('nice', ['-n', '15', server.binary, 'simulate', '--url', base, '--campaign', PAIR, '--volunteers', '200', '--seed', '11', '--patience', '8'], { stdio: 'ignore' })
    const ended = once(crowd, 'exit')
    let over = false
    void ended.then(() => (over = true))
    for (let look = 0; look < 600 && !over; look += 1) {
      seen.add(await page.getByTestId('dashboard').getAttribute('data-labels').then(Number))
      await page.waitForTimeout(200)
    }
    assert.ok(over, 'the crowd came to an end')
    await page.locator('[data-testid=dashboard][data-live=true]').waitFor({ timeout: 90_000 })
    trouble.expected = false
    const steps = [...seen]
    assert.ok(steps.slice(0, -1).some((step) => step > before), `moved while they labelled: seen ${steps}`)
    assert.deepEqual(steps, [...steps].sort((a, b) => a - b), 'labels only ever become more')
    assert.ok(steps.at(-1) > before, `${before} before, ${steps.at(-1)} after`)
  })

  await test('at the end every figure is what the database file says', async () => {
    // Nobody labels any more; a last refit may still bring tiles in line.
    const labels = one(`SELECT COUNT(*) ${LABELS}`)
    await page.locator(`[data-testid=dashboard][data-labels="${labels}"]`).waitFor()
    const sum = () => sql(`SELECT q.state, COUNT(*), SUM(q.counted) ${TILES} GROUP BY 1 ORDER BY 1`)
    let told
    for (let look = 0; look < 60; look += 1) {
      const first = JSON.stringify(sum())
      told = await api(page, `/api/v1/campaigns/${PAIR}/statistics`)
      await page.waitForTimeout(1_200)
      const again = await api(page, `/api/v1/campaigns/${PAIR}/statistics`)
      if (first === JSON.stringify(sum()) && JSON.stringify({ ...told, as_of: 0, timeline: 0 }) === JSON.stringify({ ...again, as_of: 0, timeline: 0 })) break
    }
    assert.equal(told.labels, labels)
    for (const state of ['open', 'settled', 'contested', 'reviewed', 'unusable']) assert.equal(told.tiles[state], one(`SELECT COUNT(*) ${TILES} AND q.state = ?`, state), state)
    assert.equal(told.labels_counted, one(`SELECT COUNT(*) ${LABELS} AND c.counted`))
    assert.equal(told.labels_gold, one(`SELECT COUNT(*) ${LABELS} AND q.gold IS NOT NULL AND NOT c.excluded`))
    assert.equal(told.labels_excluded, one(`SELECT COUNT(*) ${LABELS} AND c.excluded`))
    assert.equal(told.labels_surplus, one(`SELECT COUNT(*) ${LABELS} AND NOT c.counted AND NOT c.excluded AND q.gold IS NULL`))
    const now = Date.parse(told.as_of)
    const minute = Math.floor(now / 60_000)
    const ofHour = (end) => one('SELECT COUNT(*) FROM labels l JOIN campaigns k ON k.id = l.campaign_id WHERE k.slug = ? AND l.revision = 1 AND l.received_at >= ? AND l.received_at < ?', (end - 59) * 60_000, (end + 1) * 60_000)
    assert.deepEqual([told.labels_last_hour, told.labels_hour_before], [ofHour(minute), ofHour(minute - 60)])
    const OF = 'FROM participations p JOIN campaigns k ON k.id = p.campaign_id WHERE k.slug = ?'
    assert.equal(told.volunteers, one(`SELECT COUNT(*) ${OF}`))
    assert.equal(told.volunteers_active, one(`SELECT COUNT(*) ${OF} AND p.last_at >= ?`, now - 3_600_000))
    assert.equal(told.open_leases, one('SELECT COUNT(*) FROM leases l JOIN campaigns k ON k.id = l.campaign_id WHERE k.slug = ? AND l.ended_at IS NULL AND l.expires_at > ?', now))
    const keys = sql('SELECT s.key, s.place, s.role FROM scale_answers s JOIN campaigns k ON k.scale_id = s.scale_id WHERE k.slug = ? ORDER BY s.place')
    for (const [key, place] of keys) assert.equal(told.answers.find((answer) => answer.key === key).count, one(`SELECT COUNT(*) ${LABELS} AND c.counted AND c.answer = ?`, place), key)
    const [closed, counted, most] = sql(`SELECT COUNT(*), SUM(q.counted), SUM(q.maximum) ${TILES} AND q.state <> 'open' AND q.gold IS NULL`)[0]
    assert.deepEqual(told.saved, { tiles: closed, labels: counted, most })
    near(told.labels_per_closed_tile, counted / closed, 'labels a tile')
    assert.equal(told.timeline.reduce((all, { labels }) => all + labels, 0), labels)
    assert.equal(told.timeline.reduce((all, { tiles_closed }) => all + tiles_closed, 0), closed)

    // As text: the ids have 64 bits, numbers here hold 53.
    const units = sql(`SELECT CAST(c.tile AS TEXT), json_group_array(c.answer) ${LABELS} AND c.counted GROUP BY 1`).map(([, answers]) => JSON.parse(answers))
    let [agreeing, pairs] = [0, 0]
    for (const unit of units) for (const [i, a] of unit.entries()) for (const [j, b] of unit.entries()) if (i !== j) [agreeing, pairs] = [agreeing + (a === b ? 1 : 0), pairs + 1]
    near(told.agreement, agreeing / pairs, 'agreement')
    const classes = keys.filter(([, , role]) => role === 'class').length
    const ofClasses = units.map((unit) => unit.filter((answer) => answer < classes))
    near(told.alpha.value, ordinalAlpha(ofClasses, classes), 'alpha')
    assert.equal(told.alpha.tiles, ofClasses.filter((unit) => unit.length > 1).length)

    const gold = sql(`SELECT c.answer = g.answer ${LABELS.replace('WHERE', 'JOIN gold g ON g.tile = c.tile WHERE')} AND g.kind = 'check' AND c.answer < ${classes} AND NOT c.excluded`)
    const [n, right] = [gold.length, gold.filter(([hit]) => hit).length]
    assert.deepEqual([told.gold.labels, told.gold.right], [n, right])
    if (n > 0) {
      const [p, z2] = [right / n, WILSON_Z ** 2]
      const [middle, half] = [(p + z2 / (2 * n)) / (1 + z2 / n), (WILSON_Z / (1 + z2 / n)) * Math.sqrt((p * (1 - p)) / n + z2 / (4 * n * n))]
      near(told.gold.low, Math.max(0, middle - half), 'low')
      near(told.gold.high, Math.min(1, middle + half), 'high')
    }
    assert.equal(told.waits.flags, one('SELECT COUNT(*) FROM notes n JOIN campaigns k ON k.id = n.campaign_id WHERE k.slug = ? AND n.flagged AND n.resolved_at IS NULL'))
    assert.deepEqual({ ...told.waits, flags: 0, for_new_eyes: 0 }, { for_new_eyes: 0, flags: 0, expired_leases: 0, half_done_tiles: 0, lacks_pictures: 0, old_contested_tiles: 0, old_flags: false, refit_overdue: false, failed_jobs: 0, failed_kinds: [], stuck_jobs: 0 })

    // The finish: open tiles may turn out like the easier half of the closed ones, or like the harder half.
    const groups = sql(`SELECT q.state <> 'open', q.counted, q.needed, q.maximum ${TILES} AND q.gold IS NULL`)
    const taken = groups.filter(([over]) => over).map(([, labels]) => labels).sort((a, b) => a - b)
    const meanOf = (half) => (half.slice(0, Math.floor(taken.length / 2)).reduce((sum, one) => sum + one, 0) + (taken.length % 2 ? half[Math.floor(taken.length / 2)] / 2 : 0)) / (taken.length / 2)
    const left = (like) => groups.filter(([over]) => !over).reduce((sum, [, has, needed, most]) => sum + Math.max(0, Math.min(most, Math.max(like, Math.min(needed, most))) - has), 0)
    assert.ok(taken.length >= 20, `${taken.length} closed tiles`)
    const [least, toDo] = [left(meanOf(taken)), left(meanOf([...taken].reverse()))]
    assert.deepEqual(told.labels_left, { least: Math.round(least), most: Math.ceil(toDo) })
    const opened = one('SELECT opened_at FROM campaigns WHERE slug = ?')
    if (toDo <= 0) assert.equal(told.finish.kind, 'done')
    else if (now - opened < 600_000) assert.deepEqual([told.finish.kind, told.finish.reason], ['unknown', 'too_early'])
    else if (told.finish_basis) for (const { seconds, labels } of Object.values(told.finish_basis)) assert.ok(seconds >= 600 && labels >= 20, JSON.stringify(told.finish_basis))

    // Calibration: as many calls on each check tile as whole sets of answers were given there.
    const perCall = Math.max(1, Math.round(counted / closed))
    const onGold = sql(`SELECT COUNT(*) ${LABELS.replace('WHERE', 'JOIN gold g ON g.tile = c.tile WHERE')} AND g.kind = 'check' AND g.answer < ${classes} AND NOT c.excluded GROUP BY c.tile`)
    const calls = told.model.number === 0 ? 0 : onGold.reduce((sum, [labels]) => sum + Math.floor(labels / perCall), 0)
    assert.equal(told.calibration_calls, calls)
    assert.equal(told.calibration !== null, calls >= told.calibration_needs)
    if (told.calibration) {
      assert.equal(told.calibration.bins.reduce((sum, bin) => sum + bin.calls, 0), calls)
      assert.ok(told.calibration.bins.every(({ from, mean, right, calls }) => mean >= from && mean <= 1 && right <= calls), JSON.stringify(told.calibration))
    }

    // And the page shows what was told.
    await page.getByTestId('waits').waitFor()
    assert.equal(await page.getByTestId('waits').getAttribute('data-count'), '0')
    for (const [id, value] of [['labels', labels], ['last-hour', told.labels_last_hour], ['active', told.volunteers_active], ['contested', told.tiles.contested]]) assert.equal(await number(page, id), value, id)
    for (const [key, place] of keys) assert.equal(await page.locator(`[data-testid=answers] [data-answer="${key}"]`).getAttribute('data-count').then(Number), one(`SELECT COUNT(*) ${LABELS} AND c.counted AND c.answer = ?`, place), key)
    for (const state of ['open', 'settled', 'contested', 'reviewed', 'unusable']) assert.equal(await page.locator(`[data-testid=tile-states] [data-state=${state}]`).getAttribute('data-count').then(Number), told.tiles[state], state)
  })

  await test('the small maps hold every tile once', async () => {
    const { squares, columns, rows } = await api(page, `/api/v1/campaigns/${PAIR}/statistics/map`)
    const held = squares.reduce((all, { tiles }) => all + Object.values(tiles).reduce((sum, count) => sum + count, 0), 0)
    assert.equal(held, one(`SELECT COUNT(*) ${TILES}`))
    assert.ok(squares.every(({ column, row }) => column < columns && row < rows))
    await page.locator('[data-testid=maps] svg rect').first().waitFor()
  })

  await test('where events are refused the dashboard asks by itself', async () => {
    const { page: other, context } = await visitor(DESK)
    await signIn(other)
    trouble.expected = true
    await context.route('**/events', (route) => route.fulfill({ status: 503, body: '' }))
    await desk(other)
    const first = await other.getByTestId('dashboard').getAttribute('data-as-of')
    await other.waitForFunction((first) => document.querySelector('[data-testid=dashboard]').dataset.asOf !== first, first)
    assert.equal(await other.getByTestId('dashboard').getAttribute('data-live'), 'false')
    await context.close()
  })

  await test('strangers see how far it is, but nothing that closed within ten minutes', async () => {
    const { page: stranger, context } = await visitor(PHONE)
    await open(stranger, `/c/${PAIR}/progress`)
    await stranger.getByTestId('public-progress').waitFor()
    const told = await api(stranger, `/api/v1/campaigns/${PAIR}/progress`)
    // What closed between the two moments may stand in a count that is up to a minute old, or not.
    const closedUntil = (moment) => one(`SELECT COUNT(*) ${TILES} AND q.state <> 'open' AND q.closed_at <= ? AND (q.gold IS NULL OR q.gold <> 'check')`, moment - 600_000)
    const [fewest, most] = [-60_000, 60_000].map((more) => closedUntil(Date.parse(told.as_of) + more))
    assert.ok(fewest <= told.progress.closed && told.progress.closed <= most, `${told.progress.closed} of ${fewest} to ${most}`)
    assert.ok(most < one(`SELECT COUNT(*) ${TILES} AND q.state <> 'open' AND q.gold IS NULL`), 'most tiles closed within the last ten minutes')
    assert.equal(told.labels, one(`SELECT COUNT(*) ${LABELS}`))
    await context.close()
  })

  await test('the page for frames is shown by another site, without script and without cookies', async () => {
    const { page: host, context } = await visitor({ ...PHONE, javaScriptEnabled: false })
    const html = `<!doctype html><html lang="en"><title>Elsewhere</title><iframe src="${base}/embed/${PAIR}" width="340" height="460" title="aftermap"></iframe></html>`
    const elsewhere = createServer((_, reply) => reply.setHeader('content-type', 'text/html').end(html)).listen(0, '127.0.0.1')
    await once(elsewhere, 'listening')
    const site = `http://127.0.0.1:${elsewhere.address().port}/`
    await host.goto(site)
    const frame = host.frameLocator('iframe')
    await frame.locator('h1').waitFor()
    assert.match(await frame.locator('[data-figure=tiles]').textContent(), /\d+ \/ \d+/)
    for (const width of [300, 420, 800]) {
      await host.setViewportSize({ width: width + 20, height: 740 })
      await host.locator('iframe').evaluate((one, width) => (one.width = String(width)), width)
      const over = await host.frames().at(-1).evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
      assert.ok(over <= 0, `${over} pixels are cut off in a frame of ${width}`)
    }
    await host.setViewportSize(PHONE.viewport)
    await host.locator('iframe').evaluate((one) => (one.width = '340'))
    assert.deepEqual(await context.cookies(), [])
    await host.screenshot({ path: `${shots}/embed-360-light.png` })
    await context.close()
    elsewhere.close()
    // The other site itself was what this test went to.
    foreign.splice(0, foreign.length, ...foreign.filter((url) => !url.startsWith(site)))
    const { page: alone, context: other } = await visitor(DESK)
    await alone.goto(`/embed/${PAIR}?lang=ar`)
    assert.equal(await alone.locator('html').getAttribute('dir'), 'rtl')
    assert.deepEqual(await violations(alone), [])
    await alone.screenshot({ path: `${shots}/embed-1280-arabic.png` })
    await other.close()
  })

  for (const [size, shape] of [['360', PHONE], ['1280', DESK]]) {
    for (const look of ['light', 'dark', 'arabic']) {
      await test(`dashboard and progress at ${size} pixels, ${look}: no accessibility violation, nothing too wide`, async () => {
        const { page: other, context } = await visitor({ ...shape, colorScheme: look === 'dark' ? 'dark' : 'light' })
        await signIn(other)
        const found = []
        for (const name of ['desk', 'progress']) {
          await open(other, `/c/${PAIR}/${name}`, look === 'arabic' ? '?lang=ar' : '')
          await other.getByTestId(name === 'desk' ? 'maps' : 'public-progress').waitFor()
          await other.waitForTimeout(1_500)
          await other.screenshot({ path: `${shots}/${name}-${size}-${look}.png`, fullPage: true })
          found.push(...(await violations(other)).map((violation) => `${name}: ${violation}`))
          const wide = await other.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
          if (wide > 0) found.push(`${name}: ${wide} pixels too wide`)
        }
        assert.deepEqual(found, [])
        await context.close()
      })
    }
  }

  await test('a campaign that is over reads as history', async () => {
    const { page: other, context } = await visitor(DESK)
    await signIn(other)
    await desk(other)
    await other.getByRole('button', { name: 'Close…' }).click()
    await other.getByRole('button', { name: 'Close the campaign' }).click()
    await other.getByText('This campaign is over').waitFor()
    assert.equal(await other.getByTestId('figure-active').count(), 0)
    await context.close()
  })
}
