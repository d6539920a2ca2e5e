// From an empty server to an open campaign in the browser alone: two real scenes, real outlines, and a guest who labels a tile of it.
import { strict as assert } from 'node:assert'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { binary, button, counted, DESK, drawn, open, passGate, PHONE, saved, shots, signIn, skip, startLabelling, test, trouble, violations, visitor } from './harness.mjs'
import { DemoServer } from './server.mjs'

const folder = join(process.env.AFTERMAP_TEST_DATA ?? new URL('../../../shared/data', import.meta.url).pathname, 'imagery/demo_madre_fire_2025')
const [BEFORE, AFTER, PLOTS] = ['madre_fire_before.tif', 'madre_fire_after.tif', 'madre_fire_plots.geojson'].map((name) => join(folder, name))
const CREDIT = 'Contains modified Copernicus Sentinel data 2025'
const SLUG = 'madre-fire-2025'
const STEPS = ['texts', 'images', 'places', 'policy', 'training', 'care', 'access', 'open']
const LONG = { timeout: 120_000 }

const go = async (page, name) => {
  await open(page, `/c/${SLUG}/setup?step=${name}`)
  await page.locator(`[data-testid=setup][data-step=${name}]`).waitFor()
}
const isSaved = (page) => page.locator('[data-testid=saved][data-saving=saved]').waitFor()
const field = (page, path) => page.locator(`[data-path="${path}"]`).locator('input, textarea').first()
const write = async (page, path, text) => {
  await field(page, path).fill(text)
  await page.locator('[data-testid=saved]:not([data-saving=unsaved]):not([data-saving=saving])').waitFor()
}
const settings = (page) => page.evaluate((slug) => fetch(`/api/v1/campaigns/${slug}/settings`).then((reply) => reply.json()), SLUG)
const item = (page, path) => page.locator(`[data-testid=item][data-name="${path.split('/').pop()}"]`)
const scenes = (page) => page.getByTestId('scene')

/** Looks at a page in four ways: wide, narrow, dark, and in Arabic. */
async function look(page, name) {
  const ways = [['1280-light', DESK.viewport, 'light', ''], ['360-light', PHONE.viewport, 'light', ''], ['360-dark', PHONE.viewport, 'dark', ''], ['1280-arabic', DESK.viewport, 'light', '?lang=ar'], ['360-arabic', PHONE.viewport, 'light', '?lang=ar']]
  const hash = new URL(page.url()).hash.slice(1)
  for (const [way, viewport, colorScheme, query] of ways) {
    await page.setViewportSize(viewport)
    await page.emulateMedia({ colorScheme })
    await open(page, hash, query)
    await page.locator('[data-testid=setup], form, [data-testid=empty]').first().waitFor()
    await page.waitForTimeout(700)
    await page.screenshot({ path: `${shots}/setup-${name}-${way}.png`, fullPage: true })
    assert.deepEqual(await violations(page), [], `${name}, ${way}`)
    const width = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    assert.ok(width <= 0, `${name}, ${way}: ${width} px too wide`)
  }
  await page.setViewportSize(DESK.viewport)
  await page.emulateMedia({ colorScheme: 'light' })
  await page.evaluate(() => localStorage.removeItem('language'))
  await open(page, hash, '?lang=en')
}

if (!binary) skip('setting up a campaign', 'it starts a server of its own: set AFTERMAP_BINARY')
else if (![BEFORE, AFTER, PLOTS].every(existsSync)) skip('setting up a campaign', `the Madre Fire is not in ${folder}: set AFTERMAP_TEST_DATA`)
else {
  const empty = await DemoServer.start(binary, 'serve')
  try {
    await whole(empty)
  } finally {
    await empty.stop()
  }
}

async function whole(empty) {
  const admin = empty.account('layla', 'admin')
  const { page, context } = await visitor({ ...DESK, baseURL: empty.url })

  await test('an empty server tells a visitor what there is to do, and its admin to make a campaign', async () => {
    await open(page, '/')
    await page.getByTestId('empty').locator('summary').click()
    assert.match(await page.getByTestId('empty').textContent(), /aftermap user create/)
    await page.screenshot({ path: `${shots}/setup-empty-visitor-1280-light.png` })
    await open(page, '/new')
    await page.locator('main a[href*="sign-in"]').waitFor()
    await signIn(page, admin)
    await open(page, '/')
    await page.getByTestId('new-campaign').waitFor()
    await look(page, 'home')
  })

  await test('a title proposes the name of the address; what is missing or odd is said at its field', async () => {
    await page.getByTestId('new-campaign').click()
    await page.getByTestId('create').click()
    assert.match(await page.locator('#title-fault').textContent(), /title/)
    await page.locator('#title').fill('Madre Fire 2025')
    assert.equal(await page.locator('#slug').inputValue(), SLUG)
    await page.locator('#slug').fill('Madre Fire')
    assert.match(await page.getByTestId('slug-check').textContent(), /a–z/)
    await page.locator('#slug').fill('')
    assert.equal(await page.locator('#slug').inputValue(), SLUG, 'an emptied name is proposed again')
    assert.deepEqual(await violations(page), [])
    await look(page, 'new')
    await page.locator('#title').fill('Madre Fire 2025')
    await page.locator('input[name=scale][value=change2]').check()
    await page.getByTestId('create').click()
    await page.locator('[data-testid=setup][data-step=texts]').waitFor()
    assert.equal((await settings(page)).scale.key, 'change2')
  })

  await test('texts save themselves, survive a reload, and show themselves as they will look', async () => {
    await write(page, 'texts.en.purpose', 'Find what **burned**, for the people who plan the replanting.')
    await write(page, 'texts.en.instructions', 'Living plants are green. Say *change* where green turned dark red.')
    await write(page, 'texts.en.guide.change', 'Green before, dark red after.')
    await isSaved(page)
    await page.locator('[data-path="texts.en.purpose"]').getByRole('button').click()
    assert.equal(await page.getByTestId('preview').locator('strong').textContent(), 'burned')
    await page.locator('select[name=language]').selectOption('fr')
    await write(page, 'texts.fr.title', 'Incendie de Madre 2025')
    await isSaved(page)
    await go(page, 'texts')
    assert.match(await field(page, 'texts.en.purpose').inputValue(), /burned/)
    assert.equal((await settings(page)).texts.fr.title, 'Incendie de Madre 2025')
    await look(page, 'texts')
  })

  await test('two tabs do not write over each other: the second is shown what the first wrote', async () => {
    const other = await context.newPage()
    await go(other, 'texts')
    await write(page, 'texts.en.title', 'Madre Fire, July 2025')
    await isSaved(page)
    await field(other, 'texts.en.title').fill('Fire in the hills')
    await other.getByTestId('conflict').waitFor()
    assert.match(await other.getByTestId('conflict').textContent(), /July 2025/)
    assert.equal((await settings(page)).texts.en.title, 'Madre Fire, July 2025', 'nothing was overwritten')
    await other.screenshot({ path: `${shots}/setup-conflict-1280-light.png` })
    await other.getByTestId('conflict').getByRole('button').first().click()
    await isSaved(other)
    assert.equal(await field(other, 'texts.en.title').inputValue(), 'Madre Fire, July 2025')
    await other.close()
  })

  await test('what cannot be sent waits on the device, says so, and goes by itself', async () => {
    trouble.expected = true
    await context.route('**/settings', (route) => route.abort())
    await field(page, 'texts.en.introduction').fill('Look at the **colours** first.')
    await page.locator('[data-testid=saved][data-saving=offline]').waitFor()
    await context.unroute('**/settings')
    await go(page, 'texts')
    await isSaved(page)
    assert.equal((await settings(page)).texts.en.introduction, 'Look at the **colours** first.')
  })

  await test('a picture goes up in pieces through a lost line and a reload, and nothing is sent twice', async () => {
    await go(page, 'images')
    trouble.expected = true
    const offsets = []
    await context.route('**/uploads/*', (route) => {
      if (route.request().method() !== 'PATCH') return route.continue()
      offsets.push(Number(route.request().headers()['upload-offset']))
      return offsets.length === 2 ? route.abort() : route.continue()
    })
    await page.getByTestId('file-scene').setInputFiles(BEFORE)
    await page.locator('[data-testid=item][data-phase=waiting]').waitFor()
    await page.screenshot({ path: `${shots}/setup-images-waiting-1280-light.png`, fullPage: true })
    page.once('dialog', (dialog) => dialog.accept())
    await context.route('**/uploads/*', (route) => (route.request().method() === 'PATCH' ? route.abort() : route.continue()))
    await go(page, 'images')
    await page.locator('[data-testid=item][data-phase=orphan]').waitFor()
    assert.match(await item(page, BEFORE).textContent(), /same file again/)
    await context.unroute('**/uploads/*')
    const later = []
    await context.route('**/uploads/*', (route) => {
      if (route.request().method() === 'PATCH') later.push(Number(route.request().headers()['upload-offset']))
      return route.continue()
    })
    await page.getByTestId('file-scene').setInputFiles(BEFORE)
    await page.locator('[data-testid=item][data-phase=complete]').waitFor()
    assert.ok(later[0] > 0, `went on at ${later[0]}`)
    await context.unroute('**/uploads/*')
  })

  await test('a picture without a date is not taken; with dates and credit it is brought in and shown', async () => {
    await item(page, BEFORE).getByTestId('bring-in').click()
    assert.match(await item(page, BEFORE).textContent(), /Say when/)
    await item(page, BEFORE).getByTestId('interval').check()
    await item(page, BEFORE).locator('input[name=from]').fill('2025-06-02')
    await item(page, BEFORE).locator('input[name=to]').fill('2025-07-02')
    await item(page, BEFORE).locator('input[name=attribution]').fill(CREDIT)
    await item(page, BEFORE).locator('input[name=licence]').fill('CC-BY-SA-3.0-IGO')
    await look(page, 'images')
    await item(page, BEFORE).getByTestId('bring-in').click()
    await scenes(page).first().waitFor(LONG)
    // The second one is told all about itself while it is still on its way.
    await page.getByTestId('file-scene').setInputFiles(AFTER)
    await item(page, AFTER).getByTestId('as-before').click()
    await item(page, AFTER).locator('input[name=day]').fill('2025-07-26')
    await item(page, AFTER).getByTestId('bring-in').click()
    await page.locator(`[data-testid=scene] >> nth=1`).waitFor(LONG)
    assert.equal(await item(page, AFTER).count(), 0)
    assert.match(await scenes(page).nth(1).textContent(), /Copernicus/)
    await look(page, 'scenes')
  })

  await test('a file that is no picture is refused with a reason, and can be taken away', async () => {
    const broken = join(empty.data, 'notes.tif')
    writeFileSync(broken, 'this is no picture')
    await page.getByTestId('file-scene').setInputFiles(broken)
    await item(page, broken).getByRole('alert').waitFor(LONG)
    assert.match(await item(page, broken).textContent(), /This is text, not a picture/)
    await page.screenshot({ path: `${shots}/setup-refused-1280-light.png`, fullPage: true })
    await item(page, broken).getByTestId('remove').click()
    await item(page, broken).waitFor({ state: 'detached' })
  })

  await test('dates order the pictures; a picture can be corrected and removed', async () => {
    await scenes(page).nth(1).getByTestId('edit-scene').click()
    await scenes(page).nth(1).locator('input[name=sensor]').fill('Sentinel-2')
    await scenes(page).nth(1).locator('input[name=day]').fill('2025-08-01')
    await scenes(page).nth(1).getByRole('button').first().click()
    await page.locator('[data-testid=scene] input').first().waitFor({ state: 'detached' })
    await page.getByText('Aug 1, 2025').waitFor(LONG)
    await scenes(page).nth(0).getByTestId('delete-scene').click()
    await page.screenshot({ path: `${shots}/setup-remove-1280-light.png` })
    await page.keyboard.press('Escape')
    assert.equal(await scenes(page).count(), 2)
  })

  await test('tiles are shown as they will be, for any zoom, before anything is saved', async () => {
    await go(page, 'places')
    await drawn(page)
    const value = () => page.getByTestId('zoom-value').textContent()
    const before = await value()
    await page.getByTestId('zoom').focus()
    await page.keyboard.press('ArrowRight')
    assert.notEqual(await value(), before)
    await page.locator('[data-testid=tiling][data-cutting=resting]').waitFor(LONG)
    await drawn(page)
    await page.getByTestId('tile-next').click()
    await drawn(page)
    assert.equal(typeof (await settings(page)).tiles.zoom, 'number')
    await look(page, 'cells')
  })

  await test('an area is drawn with two taps, by dragging or written as a box; what is no area is said', async () => {
    await page.locator('input[name=where][value=limited]').check()
    await page.getByTestId('draw-box').click()
    const map = page.getByTestId('area').getByRole('application')
    await map.scrollIntoViewIfNeeded()
    const { x, y, width, height } = await map.boundingBox()
    await page.mouse.click(x + width * 0.3, y + height * 0.3)
    await page.mouse.move(x + width * 0.5, y + height * 0.5)
    await page.mouse.click(x + width * 0.7, y + height * 0.7)
    await page.locator('[data-testid=tiling][data-cutting=resting]').waitFor(LONG)
    assert.equal((await settings(page)).area.type, 'Polygon')
    await look(page, 'area')
    const tapped = (await settings(page)).area.coordinates
    await page.getByTestId('draw-box').click()
    await map.scrollIntoViewIfNeeded()
    const box = await map.boundingBox()
    await page.mouse.move(box.x + box.width * 0.4, box.y + box.height * 0.4)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width * 0.6, box.y + box.height * 0.55, { steps: 5 })
    await page.screenshot({ path: `${shots}/setup-area-dragging.png` })
    await page.mouse.up()
    await page.locator('[data-testid=tiling][data-cutting=resting]').waitFor(LONG)
    assert.notDeepEqual((await settings(page)).area.coordinates, tapped, 'dragging draws a box of its own')
    const text = page.getByTestId('area').locator('textarea')
    await text.fill('-120.2, 35.3, -120.4, 35.4')
    await text.blur()
    assert.match(await page.getByTestId('area').textContent(), /West must be less/)
    await page.locator('input[name=where][value=whole]').check()
    await page.locator('[data-testid=tiling][data-cutting=resting]').waitFor(LONG)
    assert.equal((await settings(page)).area, null)
  })

  await test('outlines become tiles, with a report of what was left out', async () => {
    await page.locator('input[name=source][value=footprints]').check()
    await page.getByTestId('file-footprints').setInputFiles(PLOTS)
    await page.locator('[data-testid=job][data-kind=footprints][data-state=done]').waitFor(LONG)
    await page.locator('[data-testid=tiling][data-cutting=resting]').waitFor(LONG)
    assert.equal((await settings(page)).tiles.source, 'footprints')
    await drawn(page)
    await look(page, 'footprints')
  })

  await test('the estimate follows the number of answers', async () => {
    await go(page, 'policy')
    const labels = page.getByTestId('estimate-labels')
    await labels.waitFor()
    const adaptive = await labels.textContent()
    await page.locator('input[name=kind][value=fixed]').check()
    await page.getByTestId('redundancy-9').click()
    await page.waitForFunction((old) => document.querySelector('[data-testid=estimate-labels]')?.textContent !== old, adaptive)
    await isSaved(page)
    assert.deepEqual((await settings(page)).policy.kind, { fixed: { redundancy: 9 } })
    await page.locator('input[name=kind][value=adaptive]').check()
    trouble.expected = true // the browser's own line about the refusal
    await write(page, 'policy.minimum', '99')
    await page.locator('[data-path="policy.minimum"] [data-testid=fault]').waitFor()
    assert.match(await page.locator('[data-path="policy.minimum"]').textContent(), /between/)
    await page.screenshot({ path: `${shots}/setup-fault-1280-light.png`, fullPage: true })
    await write(page, 'policy.minimum', '3')
    await isSaved(page)
    await look(page, 'policy')
  })

  await test('training, care and access say what they mean; the care text is offered and not filled in', async () => {
    await go(page, 'training')
    await look(page, 'training')
    await go(page, 'care')
    assert.equal((await settings(page)).texts.en.care_notice, '')
    await page.getByTestId('take-care-fr').waitFor()
    await look(page, 'care')
    await page.getByTestId('take-care-fr').click()
    await page.getByTestId('take-care-en').click()
    await write(page, 'texts.en.help_lines', '[Somebody who listens](https://example.org/help)')
    await isSaved(page)
    const { en, fr } = (await settings(page)).texts
    assert.match(en.care_notice, /skip any tile/)
    assert.match(fr.care_notice, /passez toute case/, 'each language is offered its own')
    await go(page, 'access')
    await page.locator('input[name=release_level][value=coarsened]').check()
    await page.getByRole('button', { name: 'CC-BY-4.0' }).click()
    await isSaved(page)
    const { release_level, licence } = await settings(page)
    assert.deepEqual([release_level, licence], ['coarsened', 'CC-BY-4.0'])
    await look(page, 'access')
  })

  await test('the check list says what is missing, and the campaign opens', async () => {
    await go(page, 'open')
    await page.getByTestId('checklist').locator('li').first().waitFor()
    for (const name of STEPS) await page.getByTestId(`step-${name}`).waitFor()
    await look(page, 'open')
    await page.getByTestId('open-campaign').click()
    await page.screenshot({ path: `${shots}/setup-opening-1280-light.png` })
    await page.getByTestId('open-yes').click()
    await page.locator('[data-testid=campaign-state].open').first().waitFor()
  })

  await test('a guest labels a tile of it', async () => {
    const { page: guest, context: theirs } = await visitor({ ...PHONE, baseURL: empty.url })
    await startLabelling(guest, SLUG)
    await passGate(guest)
    await drawn(guest)
    await guest.screenshot({ path: `${shots}/setup-guest-360-light.png` })
    await button(guest, 'change').click()
    await counted(guest, 1)
    await saved(guest)
    const { mine } = await guest.evaluate((slug) => fetch(`/api/v1/campaigns/${slug}`).then((reply) => reply.json()), SLUG)
    assert.equal(mine.labels, 1)
    await theirs.close()
  })
  await context.close()
}
