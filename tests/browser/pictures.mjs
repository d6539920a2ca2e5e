// What a new coordinator meets with odd pictures: a wrong file is named before it is sent, a system is given, another look is chosen; a scale of one's own; a draft that is deleted; and a later picture for a paused timeline, to its end.
import { strict as assert } from 'node:assert'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { api, binary, DESK, open, PHONE, shots, signIn, skip, test, trouble, violations, visitor } from './harness.mjs'
import { DemoServer } from './server.mjs'
import { geotiff, MapServer } from './tiff.mjs'

const SLUG = 'small-town'
const LONG = { timeout: 120_000 }

if (!binary) skip('odd pictures', 'it starts a server of its own: set AFTERMAP_BINARY')
else {
  // A host whose tiles may be fetched, as the operator's file says.
  const maps = await MapServer.start()
  process.env.AFTERMAP_REMOTE_HOSTS = maps.file
  const own = await DemoServer.start(binary, 'serve')
  delete process.env.AFTERMAP_REMOTE_HOSTS
  try {
    await whole(own, maps)
  } finally {
    await own.stop()
    maps.stop()
  }
}

async function whole(own, maps) {
  const admin = own.account('layla', 'admin')
  const { page } = await visitor({ ...DESK, baseURL: own.url })
  const file = (name, bytes) => {
    const path = join(own.data, name)
    writeFileSync(path, bytes)
    return path
  }
  const item = (name) => page.locator(`[data-testid=item][data-name="${name}"]`)
  const go = async (name) => {
    await open(page, `/c/${SLUG}/setup?step=${name}`)
    await page.locator(`[data-testid=setup][data-step=${name}]`).waitFor()
  }
  const post = (path, body, method = 'POST') => page.evaluate(([path, body, method]) => fetch(path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }).then(async (reply) => ({ status: reply.status, said: await reply.json().catch(() => null) })), [path, body, method])

  /** Looks at what is on the page in five ways, without loading it anew. */
  async function look(name) {
    for (const [way, viewport, colorScheme] of [['1280-light', DESK.viewport, 'light'], ['360-light', PHONE.viewport, 'light'], ['360-dark', PHONE.viewport, 'dark']]) {
      await page.setViewportSize(viewport)
      await page.emulateMedia({ colorScheme })
      await page.waitForTimeout(300)
      await page.screenshot({ path: `${shots}/pictures-${name}-${way}.png`, fullPage: true })
      assert.deepEqual(await violations(page), [], `${name}, ${way}`)
      const width = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
      assert.ok(width <= 0, `${name}, ${way}: ${width} px too wide`)
    }
    await page.setViewportSize(DESK.viewport)
    await page.emulateMedia({ colorScheme: 'light' })
  }

  await test('a file that is no picture is named by what it is, and nothing of it is sent', async () => {
    await open(page, '/')
    await signIn(page, admin)
    await open(page, '/new')
    await page.locator('#title').fill('Small town')
    await page.getByTestId('create').click()
    await page.locator('[data-testid=setup][data-step=texts]').waitFor()
    await go('images')
    const asked = []
    page.on('request', (request) => request.url().includes('/uploads') && request.method() !== 'GET' && asked.push(request.method()))
    for (const [name, bytes, words] of [
      ['photo.tif', Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(3_000_000)]), /JPEG.*GeoTIFF/s],
      ['scene.tif', Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(1000)]), /ZIP.*[Uu]npack/s],
      ['login.tif', Buffer.from('<!DOCTYPE html><html><body>Sign in</body></html>'), /web page/],
    ]) {
      await page.getByTestId('file-scene').setInputFiles(file(name, bytes))
      await item(name).getByTestId('wrong').waitFor()
      assert.match(await item(name).getByTestId('wrong').textContent(), words)
      assert.equal(await item(name).getByTestId('bring-in').count(), 0, 'there is nothing to bring in')
    }
    await look('wrong')
    assert.deepEqual(asked, [])
    for (const name of ['photo.tif', 'scene.tif', 'login.tif']) await item(name).getByTestId('remove').click()
    await item('login.tif').waitFor({ state: 'detached' })
  })

  await test('a picture without a system asks for it, and what cannot be is said at its field', async () => {
    await page.getByTestId('file-scene').setInputFiles(file('before.tif', geotiff({ epsg: 0 })))
    const before = item('before.tif')
    await before.locator('input[name=day]').fill('2025-03-01')
    await before.locator('input[name=crs]').waitFor()
    assert.match(await before.getByTestId('look').textContent(), /does not say in which coordinate system/)
    await before.locator('input[name=bands]').fill('1,2')
    await before.locator('input[name=black]').fill('200')
    await before.getByTestId('bring-in').click()
    assert.match(await before.getByTestId('look').textContent(), /three like 3, 2, 1.*Black and white belong together/s)
    await look('look')
    await before.locator('input[name=bands]').fill('3 2 1')
    await before.locator('input[name=white]').fill('4000')
    await before.locator('input[name=crs]').fill('32637')
    await before.locator('input[name=attribution]').fill('drawn by a program')
    await before.locator('input[name=licence]').fill('CC0-1.0')
    await before.getByTestId('bring-in').click()
    await page.getByTestId('scene').first().waitFor(LONG)
    assert.match(await page.getByTestId('scene').first().textContent(), /EPSG:32637.*bands 3, 2, 1 as red, green, blue.*black at 200, white at 4,000/s)
  })

  await test('the same picture takes its own place with another look', async () => {
    const [first] = (await api(page, `/api/v1/campaigns/${SLUG}/scenes`)).scenes
    await page.getByTestId('recut').click()
    await page.getByTestId('recut-panel').waitFor()
    await look('recut')
    await page.getByTestId('recut-panel').getByTestId('file-scene').setInputFiles(join(own.data, 'before.tif'))
    const again = item('before.tif')
    await again.getByTestId('replaces').waitFor()
    assert.equal(await again.locator('input[name=day]').inputValue(), '2025-03-01', 'what was said of it is taken over')
    assert.equal(await again.locator('input[name=bands]').inputValue(), '3, 2, 1')
    await again.locator('input[name=bands]').fill('2')
    await again.locator('input[name=crs]').fill('EPSG:32637')
    await again.getByTestId('bring-in').click()
    await page.getByTestId('shown').filter({ hasText: 'band 2 in grey' }).waitFor(LONG)
    const { scenes } = await api(page, `/api/v1/campaigns/${SLUG}/scenes`)
    assert.equal(scenes.length, 1, 'the old one is gone')
    assert.notEqual(scenes[0].id, first.id)
    assert.equal(scenes[0].attribution, 'drawn by a program')
    await look('shown')
  })

  await test('refusals and fields read in the language of the page', async () => {
    trouble.expected = true
    await open(page, `/c/${SLUG}/setup?step=images`, '?lang=ar')
    await page.locator('[data-testid=setup]').waitFor()
    await page.getByTestId('file-scene').setInputFiles(join(own.data, 'photo.tif'))
    assert.match(await item('photo.tif').getByTestId('wrong').textContent(), /هذا ملف/)
    await page.getByTestId('file-scene').setInputFiles(file('broken.tif', Buffer.concat([geotiff().subarray(0, 8), Buffer.alloc(4000, 255)])))
    await item('broken.tif').locator('input[name=day]').fill('2025-03-02')
    await item('broken.tif').getByTestId('bring-in').click()
    const refused = item('broken.tif').getByRole('alert')
    await refused.waitFor(LONG)
    assert.match(await refused.textContent(), /لم يستطع الخادم/)
    assert.equal(await refused.locator('[lang=en][dir=ltr]').count(), 1, 'the server’s own words stand by themselves')
    await item('broken.tif').getByTestId('look').locator('summary').click()
    await look('arabic')
    await item('photo.tif').getByTestId('remove').click()
    await item('broken.tif').getByTestId('remove').click()
    await page.evaluate(() => localStorage.removeItem('language'))
    await open(page, `/c/${SLUG}/setup?step=images`, '?lang=en')
  })

  await test('ready tiles of a server that the operator allows become a picture', async () => {
    await go('images')
    const remote = page.getByTestId('remote')
    await remote.locator('summary').click()
    assert.match(await remote.textContent(), new RegExp(maps.host))
    await remote.locator('input[name=template]').fill('https://elsewhere.example/{z}/{x}/{y}.png')
    await remote.locator('input[name=area]').fill('1, 2, 3')
    await remote.getByTestId('fetch-tiles').click()
    assert.match(await remote.textContent(), /not among those that are allowed.*four numbers.*Say when/s)
    await look('remote')
    await remote.locator('input[name=template]').fill(`http://${maps.host}/{z}/{x}/{y}.png`)
    await remote.locator('input[name=area]').fill('')
    await remote.locator('input[name=day]').fill('2025-05-01')
    await remote.getByTestId('fetch-tiles').click()
    await page.locator('[data-testid=scene] >> nth=1').waitFor(LONG)
    const { scenes } = await api(page, `/api/v1/campaigns/${SLUG}/scenes`)
    assert.equal(scenes[1].attribution, '© Drawn Maps', 'the operator’s credit line stands with it')
    assert.match(await page.getByTestId('scene').nth(1).textContent(), /Drawn Maps/)
  })

  await test('answers of one’s own are written, checked while they are typed, and used', async () => {
    await go('texts')
    await page.locator('input[name=scale][value=own]').check()
    const scale = page.getByTestId('own-scale')
    await scale.locator('input[name=class-1]').fill('Torn roof')
    await scale.locator('input[name=class-2]').fill('torn roof')
    assert.match(await scale.textContent(), /there already/)
    assert.ok(await page.getByTestId('use-scale').isDisabled())
    await scale.locator('input[name=class-2]').fill('No roof')
    await scale.getByTestId('add-class').click()
    await scale.locator('input[name=class-3]').fill('Gone')
    await page.locator('main select[name=language]').selectOption('ar')
    await scale.locator('input[name=class-1-ar]').fill('سقف ممزق')
    await scale.getByTestId('add-class').click()
    await scale.locator('input[name=class-4-ar]').fill('ركام')
    assert.match(await scale.textContent(), /None of these names is in Latin letters/)
    await scale.locator('input[name=class-4-word]').fill('Rubble')
    await look('scale')
    await page.getByTestId('use-scale').click()
    await page.locator('[data-testid=saved][data-saving=saved]').waitFor()
    const { scale: kept } = await api(page, `/api/v1/campaigns/${SLUG}/settings`)
    assert.deepEqual(kept.answers.map(({ key }) => key), ['no_visible_damage', 'torn_roof', 'no_roof', 'gone', 'rubble', 'unsure', 'bad_imagery'])
    assert.equal(kept.answers[0].names, undefined, 'what the program has words for is called by them in every language')
    assert.deepEqual(kept.answers[1].names, { ar: 'سقف ممزق', en: 'Torn roof' })
    const read = await api(page, `/api/v1/campaigns/${SLUG}?lang=ar`)
    assert.deepEqual([read.scale.answers[1].name, read.scale.answers[4].name, read.scale.answers[3].name], ['سقف ممزق', 'ركام', 'Gone'])
    await page.locator('[data-path="texts.ar.guide.torn_roof"]').waitFor()
    await open(page, `/c/${SLUG}`, '?lang=ar')
    await page.locator('main li').filter({ hasText: 'سقف ممزق' }).waitFor()
    assert.match(await page.locator('main').textContent(), /لا ضرر/, 'no visible damage, in the program’s own words')
    assert.match(await page.locator('main').textContent(), /ركام/, 'a class without an English name is called by the one it has')
    await look('named')
    await go('texts')
    await page.locator('[data-path="texts.en.guide.torn_roof"]').waitFor()
  })

  await test('a draft is deleted only by who writes its name', async () => {
    await go('open')
    await page.getByTestId('delete-draft').click()
    await page.locator('input[name=slug]').fill('small')
    assert.ok(await page.getByTestId('delete-draft-yes').isDisabled())
    await look('delete')
    await page.locator('input[name=slug]').fill(SLUG)
    await page.getByTestId('delete-draft-yes').click()
    await page.getByTestId('empty').waitFor()
    trouble.expected = true
    assert.equal((await post(`/api/v1/campaigns/${SLUG}/state`, { state: 'open' })).status, 404)
  })

  await test('a later picture for a paused timeline comes in through the page, and its tiles open again', async () => {
    const at = `/api/v1/campaigns/${SLUG}`
    assert.equal((await post('/api/v1/campaigns', { slug: SLUG, title: 'Small town' })).status, 201)
    assert.equal((await post(`${at}/settings`, { policy: { kind: { fixed: { redundancy: 1 } }, gold_share_first: 0, gold_share: 0 }, tiles: { zoom: 18 } }, 'PUT')).status, 200)
    await go('images')
    for (const [place, day] of ['2025-01-01', '2025-02-01', '2025-03-01'].entries()) {
      const name = `date${place}.tif`
      await page.getByTestId('file-scene').setInputFiles(file(name, geotiff({ shade: (col, row) => [700 + ((col * 7 + row * 3 + place) % 200), 900, 1000 + (row % 90)] })))
      await item(name).locator('input[name=day]').fill(day)
      await item(name).getByTestId('bring-in').click()
      await page.locator(`[data-testid=scene] >> nth=${place}`).waitFor(LONG)
    }
    assert.equal((await post(`${at}/state`, { state: 'open' })).said.kind, 'timeline')
    // One volunteer sees no damage anywhere: with one answer for each tile all close.
    const token = (await (await fetch(`${own.url}/api/v1/guests`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"token":true}' })).json()).token
    const ask = async (path, body) => (await fetch(`${own.url}${path}`, { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: JSON.stringify(body) })).json()
    let closed = 0
    for (let turn = 0; turn < 100; turn += 1) {
      const { leases } = await ask(`${at}/leases`, { count: 5 })
      if (leases.length === 0) break
      const labels = leases.map(({ lease_id }) => ({ id: crypto.randomUUID(), lease_id, answer: 'no_visible_damage', seconds: 3 }))
      closed += (await ask('/api/v1/labels', labels)).results.filter(({ status }) => status === 'stored').length
    }
    const states = () => Object.fromEntries(own.sql('SELECT state, COUNT(*) FROM queue GROUP BY state'))
    assert.ok(closed > 4, `${closed} labels`)
    assert.deepEqual(states(), { settled: closed })

    await open(page, `/c/${SLUG}/steer`)
    await page.getByTestId('to-paused').click()
    await page.getByTestId('confirm').click()
    const later = page.getByTestId('later')
    await later.getByTestId('newest').waitFor()
    await later.locator('summary').first().click()
    await later.getByTestId('file-scene').setInputFiles(file('later.tif', geotiff({ shade: (col, row) => [2000, 900 + (col % 50), 1000 + (row % 90)] })))
    const coming = item('later.tif')
    trouble.expected = true // the first try is refused
    await coming.locator('input[name=day]').fill('2025-01-15')
    await coming.getByTestId('bring-in').click()
    await coming.getByRole('alert').waitFor(LONG)
    assert.match(await coming.textContent(), /later/, 'a picture between the others is refused, with the reason')
    await coming.locator('input[name=day]').fill('2025-04-01')
    await look('later')
    await coming.getByTestId('bring-in').click()
    const job = later.locator('[data-testid=job][data-kind=ingest][data-state=done]').filter({ hasText: 'later.tif' })
    await job.waitFor(LONG)
    assert.match(await job.textContent(), new RegExp(`${closed} closed tiles are open again`))
    await page.screenshot({ path: `${shots}/pictures-later-done-1280.png`, fullPage: true })
    await page.getByTestId('to-open').click()
    await page.getByTestId('confirm').click()
    await page.getByTestId('to-paused').waitFor()
    assert.match(await page.getByTestId('under-way').textContent(), new RegExp(`\\b${closed}\\b`), 'the page counts them as open')
    assert.deepEqual(states(), { open: closed })
    const { leases } = await ask(`${at}/leases`, { count: 1 })
    assert.equal(leases[0].frames.length, 4, 'the later picture is among those that are shown')
  })
}
