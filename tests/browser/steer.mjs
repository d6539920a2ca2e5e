// Steering: an area drawn on the map comes first, more labels with their effect shown, a scene taken out of view, an invitation accepted elsewhere, and the log of it all.
import { strict as assert } from 'node:assert'
import { api, base, boss, DESK, open, PAIR, PHONE, server, shots, signIn, skip, test, TIMELINE, trouble, violations, visitor } from './harness.mjs'

const TALL = { viewport: { width: 1280, height: 1000 } }
/** A guest who never labels, asking for tiles as a program. */
async function leasesOfGuest(slug, count = 1) {
  const { token } = await (await fetch(`${base}/api/v1/guests`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"token":true}' })).json()
  const reply = await fetch(`${base}/api/v1/campaigns/${slug}/leases`, { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: JSON.stringify({ count }) })
  return (await reply.json()).leases
}
const steering = (page, slug = PAIR) => api(page, `/api/v1/campaigns/${slug}/steering`)

if (!server) skip('steering', 'the server is not ours to steer')
else {
  // Neither lots nor check tiles: what comes first is the areas' doing alone.
  server.setPolicy(PAIR, { random_share: 0, gold_share: 0, gold_share_first: 0 })
  const { page, context } = await visitor(TALL)
  await signIn(page)

  await test('an area drawn on the map is counted, saved, and served first', async () => {
    await open(page, `/c/${PAIR}/steer`)
    const map = page.getByTestId('area-map')
    await map.locator('canvas').first().waitFor()
    await page.getByTestId('draw').click()
    const box = await map.boundingBox()
    const at = (x, y) => ({ position: { x: box.width * x, y: box.height * y } })
    for (const corner of [at(0.42, 0.4), at(0.58, 0.4), at(0.58, 0.62)]) {
      await map.click(corner)
      await page.waitForTimeout(350) // two clicks at once are the end of an area
    }
    await map.dblclick(at(0.42, 0.62))
    await page.getByTestId('area').waitFor()
    await page.waitForFunction(() => /[1-9]/.test(document.querySelector('[data-testid=area-tiles]')?.textContent ?? ''))
    await page.screenshot({ path: `${shots}/steer.png`, fullPage: true })
    await page.getByTestId('save-areas').click()
    await page.locator('[data-testid=save-areas][disabled]').waitFor()
    // The button rests while the page sends, too.
    for (let turn = 0; turn < 100 && (await steering(page)).areas.length === 0; turn += 1) await page.waitForTimeout(100)
    const { areas } = await steering(page)
    assert.equal(areas.length, 1)
    assert.ok(areas[0].open_tiles > 0, JSON.stringify(areas))
    const [west, south] = areas[0].geometry.coordinates[0].reduce(([x, y], [lon, lat]) => [Math.min(x, lon), Math.min(y, lat)], [180, 90])
    const [east, north] = areas[0].geometry.coordinates[0].reduce(([x, y], [lon, lat]) => [Math.max(x, lon), Math.max(y, lat)], [-180, -90])
    const given = await leasesOfGuest(PAIR, Math.min(3, areas[0].open_tiles))
    assert.ok(given.length > 0)
    for (const { tile } of given) assert.ok(tile.bbox[0] <= east && tile.bbox[2] >= west && tile.bbox[1] <= north && tile.bbox[3] >= south, `${JSON.stringify(tile.bbox)} lies outside`)
  })

  await test('an area can be written as GeoJSON, and what is none is refused', async () => {
    await page.locator('[data-testid=areas] summary').click()
    await page.getByTestId('geojson').fill('{"type":"Point","coordinates":[1,2]}')
    await page.getByTestId('add-geojson').click()
    await page.locator('[data-testid=areas] [role=alert]').waitFor()
    const [area] = (await steering(page)).areas
    await page.getByTestId('geojson').fill(JSON.stringify({ type: 'FeatureCollection', features: [{ type: 'Feature', properties: {}, geometry: area.geometry }] }))
    await page.getByTestId('add-geojson').click()
    assert.equal(await page.getByTestId('area').count(), 2)
    await page.getByTestId('area').nth(1).locator('button').click()
    assert.equal(await page.getByTestId('area').count(), 1)
  })

  await test('more labels a tile: the effect is shown before it is made, with a reason', async () => {
    await page.getByTestId('minimum').fill('4')
    await page.getByTestId('preview-policy').click()
    await page.getByTestId('effect').waitFor()
    await page.screenshot({ path: `${shots}/steer-effect.png`, fullPage: true })
    assert.equal((await steering(page)).policies.length, 1, 'a preview changes nothing')
    assert.ok(await page.getByTestId('apply-policy').isDisabled(), 'without a reason nothing is changed')
    await page.getByTestId('policy-reason').fill('a court will read it')
    await page.getByTestId('apply-policy').click()
    await page.getByTestId('effect').waitFor({ state: 'detached' })
    const { policies } = await steering(page)
    assert.deepEqual([policies.length, policies[1].settings.minimum, policies[1].reason], [2, 4, 'a court will read it'])
    await page.locator('[data-testid=policy] details').waitFor()
  })

  await test('a tile is taken out of view after a question, and is gone from hand-out and images', async () => {
    const [lease] = await leasesOfGuest(PAIR)
    trouble.expected = true // the page may ask for a picture that is gone
    await page.getByTestId('withdraw-tile-id').fill(lease.tile.id)
    await page.getByTestId('withdraw-reason').fill('a legal demand')
    await page.getByTestId('withdraw').click()
    await page.getByTestId('confirm').click()
    await page.getByTestId('withdrawn').waitFor()
    const z = (await api(page, `/api/v1/campaigns/${PAIR}`)).scenes[0].max_zoom
    const [lon, lat] = [(lease.tile.bbox[0] + lease.tile.bbox[2]) / 2, ((lease.tile.bbox[1] + lease.tile.bbox[3]) / 2) * (Math.PI / 180)]
    const x = Math.floor(((lon + 180) / 360) * 2 ** z)
    const y = Math.floor(((1 - Math.asinh(Math.tan(lat)) / Math.PI) / 2) * 2 ** z)
    const image = await fetch(`${base}/tiles/${lease.frames[0].scene_id}/${z}/${x}/${y}`)
    assert.equal(image.status, 404)
    const map = await fetch(`${base}/api/v1/campaigns/${PAIR}/exports/tiles.csv`)
    assert.ok(!(await map.text()).includes(`${lease.tile.id},`))
  })

  await test('a scene is taken out of view, and no picture of it is served any more', async () => {
    trouble.expected = true // the page may ask for a picture that is gone
    const other = server.coordinator(TIMELINE, 'timeline-keeper')
    const { page: desk, context: theirs } = await visitor(DESK)
    await signIn(desk, other)
    await open(desk, `/c/${TIMELINE}/steer`)
    const { scenes } = await api(desk, `/api/v1/campaigns/${TIMELINE}`)
    await desk.getByTestId('withdraw-scene').check()
    await desk.getByTestId('withdraw-scene-id').selectOption(scenes[3].id)
    await desk.getByTestId('withdraw-reason').fill('the licence was withdrawn')
    await desk.getByTestId('withdraw').click()
    await desk.getByTestId('confirm').click()
    await desk.getByTestId('withdrawn').waitFor()
    assert.equal((await fetch(`${base}/api/v1/scenes/${scenes[3].id}/tiles.json`)).status, 404)
    assert.equal((await api(desk, `/api/v1/campaigns/${TIMELINE}`)).scenes.length, scenes.length - 1)
    const [lease] = await leasesOfGuest(TIMELINE)
    assert.ok(!lease.frames.some(({ scene_id }) => scene_id === scenes[3].id), 'nobody is shown it')
    await theirs.close()
  })

  await test('an invitation made here is accepted in a second browser', async () => {
    await page.getByTestId('invite-role').selectOption('reviewer')
    await page.getByTestId('invite-note').fill('for the second browser')
    await page.getByTestId('make-invitation').click()
    const link = await page.getByTestId('people').getByTestId('secret').innerText()
    assert.match(link, /#\/invite\/[0-9A-Z]{52}$/)
    const asked = []
    const { page: guest, context: second } = await visitor(PHONE)
    guest.on('request', (request) => asked.push(request.url()))
    await guest.goto(link)
    await guest.locator('h1').waitFor()
    await guest.locator('main a.button').first().waitFor()
    assert.ok(!(await guest.locator('main').innerText()).includes((await api(page, `/api/v1/campaigns/${PAIR}`)).title), 'nobody is told the name before')
    await guest.locator('main a.button').nth(1).click()
    await guest.locator('input[name=name]').fill('invited-one')
    await guest.locator('input[name=password]').fill('three blind mice')
    await guest.locator('main form button:not([type=button])').click()
    await guest.getByTestId('recovery-code').waitFor()
    await guest.goto(link)
    await guest.getByTestId('invited-to').waitFor()
    assert.deepEqual(await violations(guest), [])
    await guest.screenshot({ path: `${shots}/invite-phone.png`, fullPage: true })
    await guest.getByTestId('accept').click()
    await guest.waitForURL(`**/#/c/${PAIR}`)
    const session = await api(guest, '/api/v1/session')
    assert.deepEqual(session.roles, [{ campaign: PAIR, role: 'reviewer' }])
    const secret = link.split('/').at(-1)
    assert.ok(asked.every((url) => !new URL(url).pathname.includes(secret) && !new URL(url).search.includes(secret)), 'the secret is in no address')
    await second.close()
    await open(page, `/c/${PAIR}/steer`)
    await page.getByTestId('members').getByText('invited-one').first().waitFor()
  })

  await test('a link that is used up says so', async () => {
    const made = await page.evaluate(async (slug) => (await fetch(`/api/v1/campaigns/${slug}/invitations`)).json(), PAIR)
    assert.equal(made.invitations[0].state, 'used_up')
    const { page: late, context: third } = await visitor(PHONE)
    trouble.expected = true // the refusal is what is asked for
    await late.goto(`${base}/#/invite/${'0'.repeat(52)}`)
    await late.locator('[role=alert]').waitFor()
    await third.close()
  })

  await test('pausing says what it means, and does it', async () => {
    await page.getByTestId('to-paused').click()
    await page.getByTestId('confirm').click()
    await page.getByTestId('to-open').waitFor()
    assert.equal((await steering(page)).state, 'paused')
    await page.getByTestId('to-open').click()
    await page.getByTestId('confirm').click()
    await page.getByTestId('to-paused').waitFor()
  })

  await test('two coordinators at the same setting: the second is shown what the first wrote, and takes it over or keeps the own', async () => {
    const second = server.coordinator(PAIR, 'second-boss')
    const { page: hers, context: her } = await visitor(DESK)
    await signIn(hers, second)
    const his = await context.newPage()
    const title = (of) => of.locator('[data-path="texts.en.title"]').locator('input, textarea').first()
    const kept = async () => (await api(hers, `/api/v1/campaigns/${PAIR}/settings`)).texts.en.title
    const isSaved = (of) => of.locator('[data-testid=saved][data-saving=saved]').waitFor()
    const refused = []
    her.on('response', (reply) => reply.url().includes('/settings') && refused.push(reply.status()))
    for (const one of [his, hers]) {
      await open(one, `/c/${PAIR}/setup?step=texts`)
      await title(one).waitFor()
    }
    const before = await title(his).inputValue()
    trouble.expected = true // the browser writes the refusal to the console
    await title(his).fill('Raqqa, his title')
    await isSaved(his)
    await title(hers).fill('Raqqa, her title')
    const conflict = hers.getByTestId('conflict')
    await conflict.waitFor()
    assert.ok(refused.includes(412), `the server refused to write over it: ${refused}`)
    assert.match(await conflict.textContent(), /his title/, 'she reads what he wrote')
    assert.equal(await kept(), 'Raqqa, his title', 'nothing was written over')
    await hers.screenshot({ path: `${shots}/settings-conflict-1280.png` })
    await conflict.getByRole('button').nth(1).click()
    await isSaved(hers)
    assert.equal(await kept(), 'Raqqa, her title', 'she kept hers')
    await title(his).fill('Raqqa, his second title')
    await his.getByTestId('conflict').waitFor()
    assert.match(await his.getByTestId('conflict').textContent(), /her title/)
    await his.getByTestId('conflict').getByRole('button').first().click()
    await isSaved(his)
    assert.equal(await title(his).inputValue(), 'Raqqa, her title', 'he took hers over')
    await title(his).fill(before)
    await isSaved(his)
    assert.equal(await kept(), before)
    await his.close()
    await her.close()
  })

  await test('the log shows it all, by act too, and both files', async () => {
    await open(page, `/c/${PAIR}/log`)
    await page.getByTestId('log').locator('li').first().waitFor()
    const { entries } = await api(page, `/api/v1/campaigns/${PAIR}/audit?limit=200`)
    const acts = entries.filter(({ actor }) => actor === boss.name).map(({ act }) => act)
    for (const act of ['set_priorities', 'change_policy', 'withdraw_tile', 'make_invitation', 'change_state']) assert.ok(acts.includes(act), `${act} is missing: ${acts}`)
    assert.ok(entries.some(({ act, actor }) => act === 'accept_invitation' && actor === 'invited-one'))
    const lines = (await page.getByTestId('log').locator('.line').allTextContents()).map((line) => line.replaceAll(/[\u2068\u2069]/g, ''))
    for (const line of ['Set 1 priority area.', 'Made an invitation link for the role: Reviewer.', 'Changed settings: Title (English).']) assert.ok(lines.includes(line), `${line} is not in\n${lines.join('\n')}`)
    assert.deepEqual(lines.filter((line) => /[a-z]_[a-z]/.test(line.replaceAll(/\S+\.tif/g, ''))), [], 'no word for programs')
    await page.screenshot({ path: `${shots}/log.png`, fullPage: true })
    await page.getByTestId('log-act').selectOption('withdraw_tile')
    await page.waitForFunction(() => document.querySelectorAll('[data-testid=log] li').length === 1)
    const csv = await page.evaluate(async (slug) => (await fetch(`/api/v1/campaigns/${slug}/audit/audit.csv`)).text(), PAIR)
    assert.ok(csv.startsWith('at,actor,act,subject,reason,detail\r\n') && csv.includes('a legal demand'))
  })

  await test('steering and log pass axe on a phone, in the dark and in Arabic, and fit in', async () => {
    trouble.expected = true // the map asks for the picture of the tile that was taken out of view
    for (const [name, options, query] of [['phone', PHONE, ''], ['dark', { ...DESK, colorScheme: 'dark' }, ''], ['arabic', { ...PHONE, locale: 'ar' }, '']]) {
      const { page: other, context: another } = await visitor(options)
      await signIn(other)
      for (const part of ['steer', 'log']) {
        await open(other, `/c/${PAIR}/${part}`, query)
        await other.locator(part === 'steer' ? '[data-testid=members] li' : '[data-testid=log] li').first().waitFor()
        await other.waitForTimeout(400)
        await other.screenshot({ path: `${shots}/${part}-${name}.png`, fullPage: true })
        assert.deepEqual(await violations(other), [], `${part} ${name}`)
        const wide = await other.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
        assert.ok(wide <= 0, `${part} ${name} is ${wide} px too wide`)
      }
      await another.close()
    }
  })
  await context.close()
}
