// Start and person (1): claim a guest's work, wrong passwords, export and deletion of one's data.
import { strict as assert } from 'node:assert'
import { api, base, boss, counted, drawn, labelsOf, open, PAIR, PHONE, saved, skip, startLabelling, test, trouble, visitor } from './harness.mjs'

const { page, context } = await visitor(PHONE)
const name = `browser-${Date.now()}`
const password = 'seven quiet rivers'

await test('a guest makes an account and keeps the work', async () => {
  await startLabelling(page)
  await drawn(page)
  await page.keyboard.press('u')
  await counted(page, 1)
  await saved(page)
  await open(page, '/me')
  await page.getByTestId('claim').tap()
  await page.locator('input[name=name]').fill(name)
  await page.locator('input[name=password]').fill(password)
  await page.locator('main form button:not([type=button])').tap()
  assert.ok((await page.getByTestId('recovery-code').textContent()).length >= 8)
  await page.getByTestId('code-done').tap()
  await page.getByTestId('who').waitFor()
  await page.waitForFunction((name) => document.querySelector('[data-testid=who]')?.textContent.includes(name), name)
  assert.equal(await labelsOf(page), 1)
})

await test('a wrong password is said in plain words', async () => {
  const other = await visitor(PHONE)
  trouble.expected = true // the browser reports the 401 as an error line of its own
  await open(other.page, '/sign-in')
  await other.page.locator('input[name=name]').fill(boss.name)
  await other.page.locator('input[name=password]').fill('not the password')
  await other.page.locator('main form button:not([type=button])').tap()
  assert.ok((await other.page.getByRole('alert').textContent()).length > 10)
  await other.context.close()
})

await test('a token for scripts is shown once, works, and ends when it is revoked', async () => {
  await open(page, '/me')
  await page.getByTestId('make-token').tap()
  await page.locator('[data-testid=tokens] form button:not([type=button])').tap()
  await page.locator('input[name=token_name][aria-invalid]').waitFor()
  await page.locator('input[name=token_name]').fill('QGIS <b>')
  await page.locator('[data-testid=tokens] form button:not([type=button])').tap()
  const secret = await page.getByTestId('secret').textContent()
  const asks = () => fetch(`${base}/api/v1/session`, { headers: { authorization: `Bearer ${secret}` } })
  assert.equal((await (await asks()).json()).name, name)
  await open(page, '/me')
  await page.locator('[data-testid=tokens] li', { hasText: 'QGIS <b>' }).waitFor()
  assert.equal(await page.getByTestId('secret').count(), 0)
  await page.locator('[data-testid=tokens] li button').tap()
  await page.locator('[data-testid=tokens] li').waitFor({ state: 'detached' })
  assert.equal((await asks()).status, 401)
})

if ((await fetch(`${base}/api/v1/me/data`)).status === 404) skip('my data', 'the server does not give it')
else {
  await test('my data can be downloaded and holds my label', async () => {
    await open(page, '/me')
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByTestId('my-data').tap()])
    const data = await api(page, '/api/v1/me/data')
    assert.ok(download.suggestedFilename().length > 0)
    assert.match(JSON.stringify(data), /unsure/)
  })

  await test('my data can be deleted: the name is gone, and the campaign still adds up', async () => {
    const before = (await api(page, `/api/v1/campaigns/${PAIR}`)).progress.tiles
    await open(page, '/me')
    await page.getByTestId('delete-me').tap()
    await page.locator('dialog input[name=password]').fill(password)
    await page.getByTestId('deletion').locator('button:not([type=button])').tap()
    await page.getByRole('heading', { name: 'Deleted' }).waitFor()
    assert.equal((await api(page, '/api/v1/session')).signed_in, false)
    assert.equal((await api(page, `/api/v1/campaigns/${PAIR}`)).progress.tiles, before)
    trouble.expected = true
    await open(page, '/sign-in')
    await page.locator('input[name=name]').fill(name)
    await page.locator('input[name=password]').fill(password)
    await page.locator('main form button:not([type=button])').tap()
    await page.getByRole('alert').waitFor()
  })
}
await context.close()
