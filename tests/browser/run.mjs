// Browser test of the built page against a running server, in plain node with Debian's chromium.
//
//   AFTERMAP_URL             the server, e.g. http://127.0.0.1:8080 (required)
//   AFTERMAP_CAMPAIGN        an open campaign with at least eight tiles to label (default: demo)
//   AFTERMAP_COORDINATOR     name of its coordinator or of an administrator (required)
//   AFTERMAP_PASSWORD        and the password (required)
//   AFTERMAP_SCREENSHOTS     a folder for screenshots of every page (default: tests/browser/screenshots)
//   AFTERMAP_CHROMIUM        the browser (default: /usr/bin/chromium)
//
// Starts no server. Ends with the line `N passed, N failed`; the exit code is 1 if anything failed.
import { strict as assert } from 'node:assert'
import { mkdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createRequire } from 'node:module'

const web = createRequire(new URL('../../web/package.json', import.meta.url))
const { chromium } = web('playwright-core')
const axe = readFileSync(web.resolve('axe-core/axe.min.js'), 'utf8')

const needed = (name) => {
  if (process.env[name]) return process.env[name]
  console.error(`Set ${name}; the head of tests/browser/run.mjs tells what it is.`)
  process.exit(2)
}
const base = needed('AFTERMAP_URL').replace(/\/$/, '')
const coordinator = { name: needed('AFTERMAP_COORDINATOR'), password: needed('AFTERMAP_PASSWORD') }
const slug = process.env.AFTERMAP_CAMPAIGN ?? 'demo'
const folder = process.env.AFTERMAP_SCREENSHOTS ?? fileURLToPath(new URL('./screenshots', import.meta.url))
mkdirSync(folder, { recursive: true })

const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 }
const DESK = { viewport: { width: 1280, height: 800 } }
const PAGES = {
  home: '#/',
  campaign: `#/c/${slug}`,
  gate: `#/c/${slug}/label`,
  label: `#/c/${slug}/label`,
  progress: `#/c/${slug}/progress`,
  map: `#/c/${slug}/map`,
  'sign-in': '#/sign-in',
  register: '#/register',
  recover: '#/recover',
  'not-found': '#/nowhere',
}

const browser = await chromium.launch({
  executablePath: process.env.AFTERMAP_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--headless', '--disable-gpu', '--disable-3d-apis', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
})

/** What no page may do, collected from every page of the run. */
const foreign = []
const errors = []
/** While a test takes the server or the session away, the browser's own "failed to load" lines are what it asked for. */
let troubleExpected = false

async function visitor(options) {
  const context = await browser.newContext({ ...options, baseURL: base })
  context.on('request', (request) => {
    const { protocol, origin } = new URL(request.url())
    if (!['data:', 'blob:'].includes(protocol) && origin !== new URL(base).origin) foreign.push(request.url())
  })
  const page = await context.newPage()
  page.setDefaultTimeout(15_000)
  page.on('pageerror', (error) => errors.push(`${page.url()}: ${error.message}`))
  page.on('console', (line) => {
    if (line.type() === 'error' && !troubleExpected) errors.push(`${page.url()}: ${line.text()}`)
  })
  return { context, page }
}

const button = (page, name) => page.getByTestId(`answer-${name}`)
const sessionCount = (page) => page.getByTestId('session-count').getAttribute('data-count').then(Number)
const saved = (page) => page.locator('[data-testid=outbox][data-kind=saved]').waitFor()
const ready = (page) => page.getByTestId('compare').waitFor()

async function startLabelling(page) {
  await page.goto(`/${PAGES.label}`)
  await page.locator('[data-testid=gate-start], [data-testid=workbench]').first().waitFor()
  const gate = page.getByTestId('gate-start')
  if (await gate.isVisible()) await gate.click()
  await page.locator('[data-testid=compare], [data-supply=empty]').first().waitFor()
}

async function signIn(page) {
  await page.goto('/#/sign-in')
  await page.locator('input[name=name]').fill(coordinator.name)
  await page.locator('input[name=password]').fill(coordinator.password)
  await page.locator('main form button:not([type=button])').click()
  await page.getByTestId('who').waitFor()
}

async function signOut(page) {
  await page.getByTestId('sign-out').click()
  await page.getByTestId('who').waitFor({ state: 'detached' })
}

const api = (page, path) => page.evaluate((path) => fetch(path).then((reply) => reply.json()), path)
const labelsOf = async (page) => (await api(page, `/api/v1/campaigns/${slug}`)).mine?.labels ?? 0

async function violations(page) {
  await page.evaluate(axe) // not as a script tag: the page's security policy rightly refuses those
  const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }))
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`)
}

const unique = (list) => [...new Set(list)]

let passed = 0
let failed = 0
async function test(name, run) {
  try {
    await run()
    passed += 1
    console.log(`ok    ${name}`)
  } catch (error) {
    failed += 1
    console.log(`FAIL  ${name}\n      ${String(error.stack ?? error).replaceAll('\n', '\n      ')}`)
  }
}

const guest = await visitor(PHONE)
const boss = await visitor(DESK)
let scale = []
let before = 0
let change = null

await test('a guest sees the campaigns without an account, and nobody is made a guest by looking', async () => {
  await guest.page.goto('/')
  await guest.page.getByTestId(`campaign-${slug}`).waitFor()
  assert.equal((await api(guest.page, '/api/v1/session')).signed_in, false)
  scale = (await api(guest.page, `/api/v1/campaigns/${slug}`)).scale.answers.filter(({ role }) => role === 'class').map(({ key }) => key)
  assert.ok(scale.length >= 2)
})

await test('a coordinator signs in and sees how far the campaign is', async () => {
  await signIn(boss.page)
  await boss.page.goto(`/${PAGES.progress}`)
  await boss.page.getByTestId('tile-states').waitFor()
  before = (await api(boss.page, `/api/v1/campaigns/${slug}/statistics`)).labels
})

await test('two taps lead from the first page to the first tile, past the care notice', async () => {
  await guest.page.getByTestId(`start-${slug}`).tap()
  await guest.page.getByTestId('gate-start').tap()
  await ready(guest.page)
  assert.equal((await api(guest.page, '/api/v1/session')).guest, true)
  assert.notEqual(await guest.page.getByTestId('credit').textContent(), '')
})

await test('five tiles by touch and keys are counted here and acknowledged there', async () => {
  const { page } = guest
  // A finger's tap becomes a click a moment after it was sent: the next answer waits until this one was taken.
  const counted = (answers) => page.locator(`[data-testid=session-count][data-count="${answers}"]`).waitFor()
  const answers = [
    () => button(page, scale[0]).tap(),
    () => button(page, scale.at(-1)).tap(),
    () => button(page, 'unsure').tap(),
    () => page.keyboard.press('1'),
    () => page.keyboard.press(String(scale.length)),
  ]
  for (const [place, answer] of answers.entries()) {
    await answer()
    await counted(place + 1)
  }
  await saved(page)
  assert.equal(await labelsOf(page), 5)
})

await test('undo shows the tile again with its answer, and another answer replaces it', async () => {
  const { page } = guest
  const sent = page.waitForRequest((request) => request.url().endsWith('/api/v1/labels'))
  await page.getByTestId('undo').tap()
  await page.getByTestId('given').waitFor()
  assert.equal(await button(page, scale.at(-1)).getAttribute('aria-pressed'), 'true')
  await button(page, scale[0]).tap()
  const request = await sent
  change = (await (await request.response()).json()).results[0]
  assert.ok(['revised', 'surplus', 'stored'].includes(change.status), JSON.stringify(change))
  assert.equal(await sessionCount(page), 5)
  await saved(page)
  assert.equal(await labelsOf(page), 5)
})

await test('a skipped tile comes back by undo and is not answered by skipping', async () => {
  const { page } = guest
  await page.keyboard.press('s')
  await page.keyboard.press('Control+z')
  await ready(page)
  assert.equal(await page.getByTestId('given').count(), 0)
  assert.equal(await sessionCount(page), 5)
})

await test('the slider moves by keys and by finger, before on the left, and the two layouts change by key', async () => {
  const { page } = guest
  const slider = page.getByTestId('slider')
  const at = async () => Number(await slider.getAttribute('aria-valuenow'))
  const start = await at()
  await page.keyboard.press('ArrowLeft')
  assert.ok((await at()) < start)
  const box = await slider.boundingBox()
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2)
  await page.mouse.down()
  await page.mouse.move(300, box.y)
  await page.mouse.up()
  assert.ok((await at()) > 75)
  await page.keyboard.press('v')
  assert.equal(await page.getByTestId('compare').getAttribute('data-layout'), 'side')
  await page.keyboard.press('v')
  assert.equal(await page.getByTestId('compare').getAttribute('data-layout'), 'swipe')
})

await test('both scenes are drawn, each on its side of the slider', async () => {
  const { page } = guest
  await page.waitForTimeout(800)
  const colours = await page.evaluate(() => {
    const canvas = document.querySelector('[data-testid=compare] canvas')
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    const seen = new Set()
    for (let i = 0; i < data.length; i += 4 * 97) if (data[i + 3] > 0) seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2])
    return seen.size
  })
  assert.ok(colours > 50, `only ${colours} colours on the canvas`)
})

await test('the guest sees the progress of the campaign', async () => {
  const words = await guest.page.getByTestId('progress').textContent()
  const { progress } = await api(guest.page, `/api/v1/campaigns/${slug}`)
  assert.ok(words.includes(new Intl.NumberFormat('en').format(progress.tiles)), words)
})

await test('the coordinator sees the labels arrive without reloading', async () => {
  const figure = boss.page.getByTestId('figure-labels').locator('.value')
  await boss.page.waitForFunction(
    ([selector, least]) => Number(document.querySelector(selector)?.textContent.replaceAll(',', '')) >= least,
    ['[data-testid=figure-labels] .value', before + 5],
  )
  assert.ok(Number((await figure.textContent()).replaceAll(',', '')) >= before + 5)
})

await test('answers given while the server is away are kept, survive a reload, and arrive', async () => {
  const { page, context } = guest
  const had = await labelsOf(page)
  troubleExpected = true
  await context.route('**/api/v1/labels', (route) => route.abort())
  await page.keyboard.press('1')
  await page.locator('[data-testid=outbox][data-kind=unsent]').waitFor()
  await page.reload()
  await page.locator('[data-testid=outbox][data-kind=unsent]').waitFor()
  await context.unroute('**/api/v1/labels')
  troubleExpected = false
  await page.reload()
  await saved(page)
  assert.equal(await labelsOf(page), had + 1)
})

await test('a session that ran out is renewed in silence, for the page and for answers on their way', async () => {
  const { page, context } = guest
  const { volunteer_id } = await api(page, '/api/v1/session')
  const had = await labelsOf(page)
  troubleExpected = true
  await context.clearCookies({ name: 'aftermap_access' })
  await page.keyboard.press('1')
  await page.waitForResponse((reply) => reply.url().endsWith('/api/v1/labels') && reply.ok())
  await saved(page)
  assert.equal(await labelsOf(page), had + 1)
  await context.clearCookies({ name: 'aftermap_access' })
  await page.reload()
  await ready(page)
  assert.equal((await api(page, '/api/v1/session')).volunteer_id, volunteer_id)
  troubleExpected = false
})

await test('a guest makes an account and keeps the work', async () => {
  const { page } = guest
  const had = await labelsOf(page)
  await page.goto('/#/register')
  await page.locator('input[name=name]').fill(`browser-${Date.now()}`)
  await page.locator('input[name=password]').fill('seven quiet rivers')
  await page.locator('main form button:not([type=button])').tap()
  assert.ok((await page.getByTestId('recovery-code').textContent()).length >= 8)
  await page.getByTestId('code-done').tap()
  await page.getByTestId(`campaign-${slug}`).waitFor()
  assert.equal(await labelsOf(page), had)
})

await test('a wrong password is said in plain words', async () => {
  const { page, context } = await visitor(PHONE)
  troubleExpected = true // the browser reports the 401 as an error line of its own
  await page.goto('/#/sign-in')
  await page.locator('input[name=name]').fill(coordinator.name)
  await page.locator('input[name=password]').fill('not the password')
  await page.locator('main form button:not([type=button])').tap()
  assert.ok((await page.getByRole('alert').textContent()).length > 10)
  troubleExpected = false
  await context.close()
})

/** Opens one page of the list as the right person and waits until it stands. */
async function open(page, name, query = '') {
  await page.goto(`/${query}${PAGES[name]}`)
  await page.reload()
  await page.locator('h1').first().waitFor()
  if (name === 'gate') await page.getByTestId('gate').waitFor()
  if (name === 'label') await startLabellingHere(page)
  if (name === 'map') await page.locator('[data-testid=results-map], main .note').first().waitFor()
  if (name === 'progress') await page.locator('.uplot, main section p').first().waitFor()
  await page.waitForTimeout(name === 'label' || name === 'map' ? 900 : 300)
}
async function startLabellingHere(page) {
  const gate = page.getByTestId('gate-start')
  if (await gate.isVisible()) await gate.click()
  await page.locator('[data-testid=compare], [data-supply=empty]').first().waitFor()
}

for (const [size, shape] of [['360', PHONE], ['1280', DESK]]) {
  for (const look of ['light', 'dark', 'rtl']) {
    const { page, context } = await visitor({ ...shape, colorScheme: look === 'dark' ? 'dark' : 'light' })
    await test(`no accessibility violations at ${size} pixels, ${look}; a screenshot of every page`, async () => {
      const found = []
      await signIn(page)
      for (const name of Object.keys(PAGES)) {
        if (name === 'sign-in') await signOut(page)
        await open(page, name, look === 'rtl' ? '?dir=rtl' : '')
        await page.screenshot({ path: `${folder}/${name}-${size}-${look}.png`, fullPage: name !== 'label' && name !== 'gate' })
        found.push(...(await violations(page)).map((violation) => `${name}: ${violation}`))
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
        if (wide > 0) found.push(`${name}: ${wide} pixels wider than the screen`)
      }
      assert.deepEqual(found, [])
    })
    await context.close()
  }
}

await test('no page asked another host for anything', async () => assert.deepEqual(unique(foreign), []))
await test('no page wrote an error to the console', async () => assert.deepEqual(unique(errors), []))

await browser.close()
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed > 0 ? 1 : 0)
