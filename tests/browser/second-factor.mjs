// The second factor: set up with an app (played here), asked for at the sign-in and before what could harm others, removed; and the
// banner of a server that requires it. A screenshot of each screen.
import { strict as assert } from 'node:assert'
import { createHmac } from 'node:crypto'
import { base, binary, DESK, open, PHONE, shots, signOut, skip, test, trouble, violations, visitor } from './harness.mjs'
import { DemoServer } from './server.mjs'

const LOOKS = [
  ['light', { colorScheme: 'light' }, ''],
  ['dark', { colorScheme: 'dark' }, ''],
  ['arabic', { colorScheme: 'light' }, '?lang=ar'],
]
const SIZES = [['360', PHONE], ['1280', DESK]]
const part = (page) => page.getByTestId('second-factor')
const deleteYes = (page) => page.getByTestId('deletion').locator('button:not([type=button])')
const send = (page) => page.locator('main form button:not([type=button])').first()

/** What the app shows (RFC 6238), each code once: `secret` in base 32. */
class App {
  #last = 0
  constructor(secret) {
    const bits = [...secret].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('')
    this.key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)))
  }
  /** The next code that was not used; the server takes that of the next half minute too. */
  async code() {
    const now = () => Math.floor(Date.now() / 30_000)
    while (this.#last > now()) await new Promise((wake) => setTimeout(wake, 200))
    this.#last = Math.max(now(), this.#last + 1)
    return this.at(this.#last)
  }
  at(step) {
    const message = Buffer.alloc(8)
    message.writeBigUInt64BE(BigInt(step))
    const tag = createHmac('sha1', this.key).update(message).digest()
    return String((tag.readUInt32BE(tag[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0')
  }
}

/** Another person with an account, signed in; the name, the password and the recovery code. */
async function somebody(page, home = base) {
  const account = { name: `factor-${Date.now()}-${Math.random().toString(36).slice(2, 6)}`, password: 'seven quiet rivers' }
  await page.goto(`${home}/`)
  const made = await page.evaluate((body) => fetch('/api/v1/accounts', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }).then((reply) => reply.json()), account)
  return { ...account, recovery: made.recovery_code }
}

async function setUp(page, query = '') {
  await open(page, '/me', query)
  await page.getByTestId('begin-second-factor').click()
  await page.getByTestId('picture').waitFor()
  const app = new App(await part(page).getByTestId('secret').textContent())
  await part(page).locator('input[name=code]').fill(await app.code())
  await part(page).locator('form button:not([type=button])').click()
  await page.locator('[data-testid=second-factor][data-is=set_up]').waitFor()
  return app
}

async function typeIn(page, { name, password }, query = '') {
  await open(page, '/sign-in', query)
  await page.locator('input[name=name]').fill(name)
  await page.locator('input[name=password]').fill(password)
  await send(page).click()
}

const { page, context } = await visitor(DESK)
const account = await somebody(page)
let app

await test('a second factor is set up with an app, from a picture that is drawn here and from a text to type', async () => {
  await open(page, '/me')
  assert.equal(await part(page).getAttribute('data-is'), 'none')
  await page.getByTestId('begin-second-factor').click()
  await page.getByTestId('picture').waitFor()
  assert.equal(await page.evaluate(() => document.activeElement?.id), 'second-factor')
  const secret = await part(page).getByTestId('secret').textContent()
  assert.match(secret, /^[A-Z2-7]{32}$/)
  await part(page).locator('form button:not([type=button])').click()
  await part(page).locator('input[name=code][aria-invalid]').waitFor()
  app = new App(secret)
  trouble.expected = true
  await part(page).locator('input[name=code]').fill(app.at(1))
  await part(page).locator('form button:not([type=button])').click()
  await part(page).locator('.error', { hasText: 'wrong or was used' }).waitFor()
  await part(page).locator('input[name=code]').fill(await app.code())
  await part(page).locator('form button:not([type=button])').click()
  await page.locator('[data-testid=second-factor][data-is=set_up]').waitFor()
  assert.equal(await part(page).getByTestId('secret').count(), 0)
  assert.deepEqual(await violations(page), [])
})

await test('signing in asks for the code in a second step, and says what is wrong with it', async () => {
  await signOut(page)
  trouble.expected = true // the browser reports each 401 as an error line of its own
  await typeIn(page, account)
  const code = page.locator('input[name=code]')
  await code.waitFor()
  assert.deepEqual([await code.getAttribute('inputmode'), await code.getAttribute('autocomplete')], ['numeric', 'one-time-code'])
  assert.ok(await code.evaluate((field) => field === document.activeElement), 'it is typed into at once')
  await send(page).click()
  await page.locator('.error', { hasText: 'six digits' }).waitFor()
  await code.fill(app.at(1))
  await send(page).click()
  await page.locator('.error', { hasText: 'wrong or was used' }).waitFor()
  await page.getByRole('button', { name: 'Use another account' }).click()
  assert.deepEqual([await page.locator('input[name=name]').inputValue(), await page.locator('input[name=password]').inputValue()], [account.name, account.password])
  await send(page).click()
  await code.fill(await app.code())
  await send(page).click()
  await page.getByTestId('who').waitFor()
})

await test('the question for the password asks for the code too, and the second factor is removed with one more', async () => {
  await open(page, '/me')
  // As if a quarter of an hour had passed: the first call is told to prove it.
  await context.route('**/api/v1/me/tokens', (route) => (route.request().method() === 'POST' ? route.fulfill({ status: 403, contentType: 'application/problem+json', body: JSON.stringify({ code: 'password_needed', status: 403 }) }) : route.continue()), { times: 2 })
  await page.getByTestId('make-token').click()
  await page.locator('input[name=token_name]').fill('QGIS')
  trouble.expected = true
  await page.locator('[data-testid=tokens] form button:not([type=button])').click()
  const asked = page.getByTestId('proof')
  await asked.locator('input[name=proof_password]').fill(account.password)
  await asked.locator('input[name=code]').fill(await app.code())
  await page.screenshot({ path: `${shots}/second-factor-proof-1280-light.png` })
  await asked.locator('form button:not([type=button])').click()
  await asked.waitFor({ state: 'detached' })
  // The same again for the removal: the question comes before the field for the code, whose code it would use up.
  await context.route('**/api/v1/me/second-factor', (route) => route.fulfill({ status: 403, contentType: 'application/problem+json', body: JSON.stringify({ code: 'password_needed', status: 403 }) }), { times: 1 })
  await page.getByTestId('remove-second-factor').click()
  await asked.locator('input[name=proof_password]').fill(account.password)
  assert.equal(await part(page).locator('input[name=code]').count(), 0)
  await asked.locator('input[name=code]').fill(await app.code())
  await asked.locator('form button:not([type=button])').click()
  const code = part(page).locator('input[name=code]')
  await code.waitFor()
  assert.ok(await code.evaluate((field) => field === document.activeElement), 'it is typed into at once')
  await code.fill(await app.code())
  await part(page).locator('form button:not([type=button])').click()
  await page.locator('[data-testid=second-factor][data-is=none]').waitFor()
  await part(page).locator('[role=status]', { hasText: 'is removed' }).waitFor()
  await page.waitForFunction(() => document.activeElement?.id === 'second-factor')
})
await context.close()

await test('a recovery code and the deletion of the account ask for a code too', async () => {
  const { page, context } = await visitor(DESK)
  const account = await somebody(page)
  const app = await setUp(page)
  await signOut(page)
  trouble.expected = true
  await open(page, '/recover')
  await page.locator('input[name=name]').fill(account.name)
  await page.locator('input[name=recovery_code]').fill(account.recovery)
  await page.locator('input[name=password]').fill('eight quiet rivers')
  await send(page).click()
  await page.locator('input[name=code]').waitFor()
  await page.locator('input[name=code]').fill(await app.code())
  await send(page).click()
  await page.getByTestId('code-done').click()
  await page.getByTestId('who').waitFor()
  await open(page, '/me')
  await page.getByTestId('delete-me').click()
  await page.locator('dialog input[name=password]').fill('eight quiet rivers')
  await deleteYes(page).click()
  await page.locator('dialog .error', { hasText: 'six digits' }).waitFor()
  await page.locator('dialog input[name=code]').fill(app.at(1))
  await deleteYes(page).click()
  await page.locator('dialog .error', { hasText: 'wrong or was used' }).waitFor()
  await page.locator('dialog input[name=code]').fill(await app.code())
  await deleteYes(page).click()
  await page.getByRole('heading', { name: 'Deleted' }).waitFor()
  await context.close()
})

await test('a second factor that was set up since is asked for when the account is deleted', async () => {
  const { page, context } = await visitor(DESK)
  const account = await somebody(page)
  await open(page, '/me')
  const other = await context.newPage()
  const app = await setUp(other)
  trouble.expected = true
  await page.getByTestId('delete-me').click()
  await page.locator('dialog input[name=password]').fill('not this one')
  await deleteYes(page).click()
  await page.locator('dialog [role=alert]', { hasText: 'not the password' }).waitFor()
  await page.locator('dialog input[name=password]').fill(account.password)
  assert.equal(await page.locator('dialog input[name=code]').count(), 0)
  await deleteYes(page).click()
  const code = page.locator('dialog input[name=code]')
  await code.waitFor()
  assert.ok(await code.evaluate((field) => field === document.activeElement), 'it is typed into at once')
  await code.fill(await app.code())
  await deleteYes(page).click()
  await page.getByRole('heading', { name: 'Deleted' }).waitFor()
  await context.close()
})

for (const [size, device] of SIZES) {
  for (const [look, options, query] of LOOKS) {
    await test(`it is readable and usable at ${size} pixels, ${look}`, async () => {
      const { page, context } = await visitor({ ...device, ...options })
      const account = await somebody(page)
      const shot = async (name) => {
        assert.deepEqual(await violations(page), [], name)
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} is no wider than the screen`)
        await page.screenshot({ path: `${shots}/second-factor-${name}-${size}-${look}.png`, fullPage: true })
      }
      await open(page, '/me', query)
      await shot('none')
      await page.getByTestId('begin-second-factor').click()
      await page.getByTestId('picture').waitFor()
      await shot('begun')
      const app = await setUp(page, query)
      await shot('set-up')
      await page.getByTestId('sign-out').click()
      await page.getByTestId('who').waitFor({ state: 'detached' })
      trouble.expected = true
      await typeIn(page, account, query)
      await page.locator('input[name=code]').waitFor()
      await page.locator('input[name=code]').fill(app.at(1))
      await send(page).click()
      await page.locator('input[name=code][aria-invalid]').waitFor()
      await shot('sign-in')
      await context.close()
    })
  }
}

if (!binary) skip('a server that requires it', 'AFTERMAP_BINARY is not set')
else {
  const strict = await DemoServer.start(binary, 'serve', ['--require-second-factor'])
  await test('a server that requires it says so to whoever lacks it, until it is set up', async () => {
    const admin = strict.account('boss', 'admin')
    for (const [size, device] of SIZES) {
      for (const [look, options, query] of LOOKS) {
        const { page, context } = await visitor({ ...device, ...options, baseURL: strict.url })
        await typeIn(page, admin, query)
        await page.getByTestId('who').waitFor()
        await page.getByTestId('second-factor-missing').waitFor()
        assert.deepEqual(await violations(page), [])
        await page.screenshot({ path: `${shots}/second-factor-missing-${size}-${look}.png` })
        await page.getByTestId('second-factor-missing').locator('a').click()
        await page.locator('[data-testid=second-factor][data-is=missing]').waitFor()
        assert.equal(await page.getByTestId('second-factor-missing').count(), 0, 'the section says it')
        await context.close()
      }
    }
    const { page, context } = await visitor({ ...DESK, baseURL: strict.url })
    await typeIn(page, admin)
    await page.getByTestId('who').waitFor()
    await setUp(page)
    assert.equal(await page.getByTestId('second-factor-missing').count(), 0)
    assert.equal((await page.evaluate(() => fetch('/api/v1/session').then((reply) => reply.json()))).admin, true)
    await context.close()
  })
  await strict.stop()
}
