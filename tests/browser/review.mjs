// Reviewing and gold: a contested tile is decided by keyboard alone and becomes gold, a file brings in more, and all of it can be read on every screen.
import { strict as assert } from 'node:assert'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { api, base, DESK, drawn, offers, open, PAIR, PHONE, server, shots, skip, test, TIMELINE, trouble, violations, visitor } from './harness.mjs'

if (!server) skip('reviewing', 'the server is not ours to give roles on')
else {
  const reviewer = server.account('reviewer-one', 'reviewer', PAIR)
  const coordinator = server.coordinator(PAIR, 'gold-digger')
  const timeliner = (await offers(TIMELINE)) ? server.coordinator(TIMELINE, 'gold-in-time') : null

  async function come(page, { name, password }) {
    await open(page, '/')
    await page.evaluate((body) => fetch('/api/v1/session', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }), { name, password })
    await page.reload()
    await page.getByTestId('who').waitFor()
  }
  async function guest() {
    const { token } = await (await fetch(`${base}/api/v1/guests`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"token":true}' })).json()
    const call = async (method, path, body) => {
      const reply = await fetch(`${base}/api/v1${path}`, { method, headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) }, ...(body && { body: JSON.stringify(body) }) })
      const text = await reply.text()
      assert.ok(reply.ok, `${method} ${path}: ${text}`)
      return text ? JSON.parse(text) : null
    }
    return call
  }
  /** Lets one tile be handed out before all others. */
  async function first(campaign, { id, bbox: [west, south, east, north] }) {
    const [x, y, w, h] = [(west + east) / 2, (south + north) / 2, (east - west) / 20, (north - south) / 20]
    const ring = [[x - w, y - h], [x + w, y - h], [x + w, y + h], [x - w, y + h], [x - w, y - h]]
    const { page, context } = await visitor(DESK)
    await come(page, coordinator)
    const body = JSON.stringify({ areas: [{ name: id, level: 3, geometry: { type: 'Polygon', coordinates: [ring] } }] })
    const status = await page.evaluate(([slug, body]) => fetch(`/api/v1/campaigns/${slug}/steering/areas`, { method: 'POST', headers: { 'content-type': 'application/json' }, body }).then((reply) => reply.status), [campaign, body])
    assert.equal(status, 200)
    await context.close()
  }
  const answers = ['no_visible_damage', 'damaged', 'destroyed']
  /** Guests who all disagree about one tile, until it is contested. Returns its id. */
  async function dispute(campaign) {
    let wanted = ''
    for (let turn = 0; turn < 40; turn += 1) {
      const call = await guest()
      for (let ask = 0; ask < 4; ask += 1) {
        const { leases } = await call('POST', `/campaigns/${campaign}/leases`, { count: 5 })
        if (!wanted && (wanted = (await ordinary(campaign, leases)) ?? '')) await first(campaign, leases.find(({ tile }) => tile.id === wanted).tile)
        const found = leases.find(({ tile }) => tile.id === wanted)
        if (found) {
          const { results } = await call('POST', '/labels', [{ id: crypto.randomUUID(), lease_id: found.lease_id, answer: answers[turn % 3], seconds: 3 }])
          if (results[0].status === 'surplus') return wanted
          break
        }
        for (const { lease_id } of leases) await call('DELETE', `/leases/${lease_id}`)
      }
      const waits = await queue(reviewerPage.page, campaign)
      if (waits.some(({ tile }) => tile.id === wanted)) return wanted
    }
    throw new Error(`tile ${wanted} was never contested`)
  }
  /** The first of these tiles that is no gold. */
  async function ordinary(campaign, leases) {
    for (const { tile } of leases) {
      const seen = await api(reviewerPage.page, `/api/v1/campaigns/${campaign}/reviews/tiles/${encodeURIComponent(tile.id)}`)
      if (seen.gold === null) return tile.id
    }
  }
  const queue = async (page, campaign) => (await api(page, `/api/v1/campaigns/${campaign}/reviews/queue?limit=20`)).tiles
  async function flag(campaign, text) {
    const call = await guest()
    const { leases } = await call('POST', `/campaigns/${campaign}/leases`, { count: 1 })
    await call('POST', `/campaigns/${campaign}/notes`, { id: crypto.randomUUID(), lease_id: leases[0].lease_id, text, flagged: true })
    return leases[0].tile.id
  }
  const decided = (page, number) => page.locator(`[data-testid=reviewing][data-decided="${number}"]`).waitFor()

  // Neither lots nor check tiles: guests are to meet on one tile.
  server.setPolicy(PAIR, { random_share: 0, gold_share: 0, gold_share_first: 0 })
  const reviewerPage = await visitor(DESK)
  let contested = ''
  await test('a contested tile is reviewed by keyboard alone, taken back, decided otherwise and made gold', async () => {
    const { page } = reviewerPage
    await come(page, reviewer)
    contested = await dispute(PAIR)
    await open(page, `/c/${PAIR}/review?tile=${encodeURIComponent(contested)}`)
    await page.locator(`[data-testid=case][data-tile="${contested}"]`).waitFor()
    await page.getByTestId('why-contested').waitFor()
    assert.ok((await page.getByTestId('reasons').locator('tbody tr').count()) >= 3, 'every label is in view')
    await drawn(page)
    const help = page.getByTestId('review-help')
    assert.equal(await help.evaluate((one) => one.open), true, 'who comes for the first time reads how to decide')
    assert.match(await help.textContent(), /What to look at.*Unsure.*What happens with your decision/s)
    await help.locator('summary').click()
    await page.waitForFunction(() => localStorage.getItem('review-help-closed') === 'yes')
    await page.reload()
    await page.getByTestId('review-help').waitFor()
    assert.equal(await page.getByTestId('review-help').evaluate((one) => one.open), false, 'and is not told again')
    await drawn(page)
    await page.keyboard.press('r')
    await page.keyboard.type('The roof is gone.')
    await page.keyboard.press('Escape')
    await page.keyboard.press('3')
    await decided(page, 1)
    assert.equal(await page.getByTestId('decided').getAttribute('data-standing'), 'in_force')
    await page.keyboard.press('z')
    await decided(page, 0)
    await page.keyboard.press('2')
    await decided(page, 1)
    const seen = await api(page, `/api/v1/campaigns/${PAIR}/reviews/tiles/${encodeURIComponent(contested)}`)
    assert.deepEqual([seen.state, seen.reviews.map(({ standing }) => standing)], ['reviewed', ['withdrawn', 'in_force']])
    assert.equal(seen.reviews[0].note, 'The roof is gone.')
    await page.keyboard.press('m')
    await page.getByTestId('gold-form').waitFor()
    const focused = (selector) => page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)
    for (let turn = 0; turn < 20 && !(await focused('textarea')); turn += 1) await page.keyboard.press('Tab')
    await page.keyboard.type('Look at the wall.')
    for (let turn = 0; turn < 20 && !(await focused('[data-testid=save-gold]')); turn += 1) await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByTestId('made-gold').waitFor()
  })

  await test('a coordinator sees the new gold, and brings in a file that is tried first', async () => {
    const { page, context } = await visitor(DESK)
    await come(page, coordinator)
    await open(page, `/c/${PAIR}/gold`)
    await page.getByTestId(`gold-${contested}`).waitFor()
    const before = (await api(page, `/api/v1/campaigns/${PAIR}/gold`)).tiles.length
    const call = await guest()
    const { leases } = await call('POST', `/campaigns/${PAIR}/leases`, { count: 5 })
    const known = new Set((await api(page, `/api/v1/campaigns/${PAIR}/gold`)).tiles.map(({ tile }) => tile))
    const fresh = leases.map(({ tile }) => tile.id).filter((id) => !known.has(id)).slice(0, 2)
    const file = join(server.data, 'gold.csv')
    writeFileSync(file, `tile_id,answer\n${fresh[0]},damaged\n1-1-1,ruined\n`)
    await page.getByTestId('gold-file').setInputFiles(file)
    await page.getByTestId('import-gold').click()
    await page.locator('[data-testid=tried][data-added="1"][data-refused="1"]').waitFor()
    const mended = join(server.data, 'mended.csv')
    writeFileSync(mended, fresh.reduce((text, id) => `${text}${id},damaged\n`, 'tile_id,answer\n'))
    await page.getByTestId('gold-file').setInputFiles(mended)
    await page.getByTestId('import-gold').click()
    await page.locator('[data-testid=tried][data-refused="0"]').waitFor()
    assert.equal((await api(page, `/api/v1/campaigns/${PAIR}/gold`)).tiles.length, before, 'only tried so far')
    await page.getByTestId('import-gold').click()
    await page.getByTestId(`gold-${fresh[0]}`).waitFor()
    assert.equal((await api(page, `/api/v1/campaigns/${PAIR}/gold`)).tiles.length, before + fresh.length)
    await context.close()
  })

  await test('a flagged tile waits with its remark; a guest is told that the page is not for them', async () => {
    const flagged = await flag(PAIR, 'A crane stands on the roof.')
    await open(reviewerPage.page, `/c/${PAIR}/review?tile=${encodeURIComponent(flagged)}`)
    await reviewerPage.page.getByTestId('why-flagged').waitFor()
    await reviewerPage.page.getByText('A crane stands on the roof.').waitFor()
    await reviewerPage.context.close()
    const { page, context } = await visitor(PHONE)
    trouble.expected = true // the refusal is what is asked for
    await open(page, `/c/${PAIR}/gold`)
    await page.getByRole('alert').waitFor()
    await context.close()
    if (timeliner) await flag(TIMELINE, 'Which of the two houses is meant?')
  })

  for (const [size, shape] of [['360', PHONE], ['1280', DESK]]) {
    for (const look of ['light', 'dark', 'arabic']) {
      await test(`reviewing and gold at ${size} pixels, ${look}: accessible, and nothing wider than the screen`, async () => {
        const found = []
        for (const [who, campaign] of [[coordinator, PAIR], ...(timeliner ? [[timeliner, TIMELINE]] : [])]) {
          const { page, context } = await visitor({ ...shape, colorScheme: look === 'dark' ? 'dark' : 'light' })
          await come(page, who)
          for (const part of ['review', 'gold']) {
            await open(page, `/c/${campaign}/${part}`, look === 'arabic' ? '?lang=ar' : '')
            await page.locator(part === 'gold' ? '[data-testid=gold]' : '[data-testid=case], [data-testid=review-over]').first().waitFor()
            if (part === 'review' && (await page.getByTestId('case').count())) await drawn(page)
            await page.waitForTimeout(300)
            const name = `${part}-${campaign === PAIR ? 'pair' : 'timeline'}-${size}-${look}`
            await page.screenshot({ path: `${shots}/${name}.png`, fullPage: part === 'gold' })
            found.push(...(await violations(page)).map((violation) => `${name}: ${violation}`))
            const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
            if (wide > 0) found.push(`${name}: ${wide} pixels wider than the screen`)
          }
          await context.close()
        }
        assert.deepEqual(found, [])
      })
    }
  }
}
