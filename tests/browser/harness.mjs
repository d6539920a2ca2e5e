// What all browser tests share: the server, the browser, visitors who may ask no other host for anything, and the count of what passed.
//
//   AFTERMAP_BINARY          the program to test: a demo server of it is started and stopped here; or
//   AFTERMAP_DEMO_DATA       a folder that `aftermap demo --prepare-only` filled: copied, so that no town need be drawn; or
//   AFTERMAP_URL             a running demo server, with
//   AFTERMAP_COORDINATOR     name and
//   AFTERMAP_PASSWORD        password of a coordinator of its campaigns (what kills the server is then skipped, and says so);
//                            AFTERMAP_BINARY beside it still serves the tests that start a server of their own
//   AFTERMAP_SCREENSHOTS     a folder for screenshots of every page (default: tests/browser/screenshots)
//   AFTERMAP_CHROMIUM        the browser (default: /usr/bin/chromium)
import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { DemoServer } from './server.mjs'

const web = createRequire(new URL('../../web/package.json', import.meta.url))
const { chromium } = web('playwright-core')
const axe = readFileSync(web.resolve('axe-core/axe.min.js'), 'utf8')

const env = process.env
if (!env.AFTERMAP_BINARY && !(env.AFTERMAP_URL && env.AFTERMAP_COORDINATOR && env.AFTERMAP_PASSWORD)) {
  console.error('Set AFTERMAP_BINARY; the head of tests/browser/harness.mjs tells what it is.')
  process.exit(2)
}

export const PAIR = 'demo'
export const TIMELINE = 'demo-timeline'
export const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 }
export const DESK = { viewport: { width: 1280, height: 800 } }
export const shots = env.AFTERMAP_SCREENSHOTS ?? fileURLToPath(new URL('./screenshots', import.meta.url))
mkdirSync(shots, { recursive: true })

/** The program, for tests that start a server of their own. */
export const binary = env.AFTERMAP_BINARY ?? null
/** The server of this run, where it is ours to kill. */
export const server = env.AFTERMAP_BINARY && !env.AFTERMAP_URL ? await DemoServer.start(env.AFTERMAP_BINARY) : null
export const base = (server?.url ?? env.AFTERMAP_URL).replace(/\/$/, '')
export const boss = server ? server.coordinator(PAIR) : { name: env.AFTERMAP_COORDINATOR, password: env.AFTERMAP_PASSWORD }

const browser = await chromium.launch({
  executablePath: env.AFTERMAP_CHROMIUM ?? '/usr/bin/chromium',
  // Without 3-d interfaces there is no WebGL: every test of this run proves that none is needed.
  args: ['--no-sandbox', '--headless', '--disable-gpu', '--disable-3d-apis', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
})

/** What no page may do, collected from every page of the run. */
export const foreign = []
export const errors = []
/** While a test takes the server or the session away, the browser's own "failed to load" lines are what it asked for. */
export const trouble = { expected: false }

export async function visitor(options = {}) {
  const home = options.baseURL ?? base
  const context = await browser.newContext({ locale: 'en-US', serviceWorkers: 'block', ...options, baseURL: home })
  context.on('request', (request) => {
    const { protocol, origin } = new URL(request.url())
    if (!['data:', 'blob:'].includes(protocol) && origin !== new URL(home).origin) foreign.push(request.url())
  })
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  page.on('pageerror', (error) => errors.push(`${page.url()}: ${error.message}`))
  page.on('console', (line) => {
    if (line.type() === 'error' && !trouble.expected) errors.push(`${page.url()}: ${line.text()}`)
  })
  return { context, page }
}

export const button = (page, name) => page.getByTestId(`answer-${name}`)
export const count = (page) => page.getByTestId('session-count').getAttribute('data-count').then(Number)
export const counted = (page, answers) => page.locator(`[data-testid=session-count][data-count="${answers}"]`).waitFor()
export const saved = (page) => page.locator('[data-testid=outbox][data-kind=saved]').waitFor()
export const drawn = (page) => page.locator('[data-testid=compare][data-drawn=true]').waitFor()

/** Goes to a page of the app anew, whatever was open before. */
export async function open(page, hash, query = '') {
  await page.goto(`/${query}#${hash}`)
  await page.reload()
  await page.locator('h1').first().waitFor()
}

/** Opens the workbench, past the care notice where it stands. */
export async function startLabelling(page, slug = PAIR, query = '') {
  await open(page, `/c/${slug}/label`, query)
  await passGate(page)
}
export async function passGate(page) {
  await page.locator('[data-testid=gate-start], [data-testid=workbench]').first().waitFor()
  const gate = page.getByTestId('gate-start')
  if (await gate.isVisible()) await gate.click()
  await page.locator('[data-testid=compare], [data-supply=empty], [data-supply=practice]').first().waitFor()
}

export async function signIn(page, as = boss) {
  await open(page, '/sign-in')
  await page.locator('input[name=name]').fill(as.name)
  await page.locator('input[name=password]').fill(as.password)
  await page.locator('main form button:not([type=button])').click()
  await page.getByTestId('who').waitFor()
}
export async function signOut(page) {
  await page.getByTestId('sign-out').click()
  await page.getByTestId('who').waitFor({ state: 'detached' })
}

export const api = (page, path) => page.evaluate((path) => fetch(path).then((reply) => reply.json()), path)
export const labelsOf = async (page, slug = PAIR) => (await api(page, `/api/v1/campaigns/${slug}`)).mine?.labels ?? 0
export const classesOf = async (page, slug = PAIR) => (await api(page, `/api/v1/campaigns/${slug}`)).scale.answers.filter(({ role }) => role === 'class').map(({ key }) => key)
export const offers = async (slug) => (await fetch(`${base}/api/v1/campaigns/${slug}`)).ok

export async function violations(page) {
  await page.evaluate(axe) // not as a script tag: the page's security policy rightly refuses those
  const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }))
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`)
}

/** What the page posts to an address while `act` runs. */
export async function caught(context, address, act) {
  const bodies = []
  const look = (route) => {
    bodies.push(route.request().postDataJSON())
    return route.continue()
  }
  await context.route(address, look)
  await act()
  await context.unroute(address, look)
  return bodies
}

export const percentile = (values, share) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))]

const tally = { passed: 0, failed: 0, skipped: 0 }
const only = env.AFTERMAP_ONLY
export async function test(name, run) {
  if (only && !name.includes(only)) return
  const began = Date.now()
  try {
    await run()
    tally.passed += 1
    console.log(`ok    ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`)
  } catch (error) {
    tally.failed += 1
    console.log(`FAIL  ${name}\n      ${String(error.stack ?? error).replaceAll('\n', '\n      ')}`)
  }
  trouble.expected = false
}
export function skip(name, why) {
  tally.skipped += 1
  console.log(`skip  ${name}: ${why}`)
}

export async function finish() {
  await browser.close()
  if (tally.failed > 0 && server) console.error(`what the server warned of:\n${server.log.split('\n').filter((line) => /WARN|ERROR/.test(line)).slice(-20).join('\n')}`)
  await server?.stop()
  console.log(`${tally.passed} passed, ${tally.failed} failed${tally.skipped ? `, ${tally.skipped} skipped` : ''}`)
  process.exit(tally.failed > 0 ? 1 : 0)
}
