// A ring of 20 accounts among 60 is found on the page with its evidence, excluded, and brought back to the byte. Asked for by
// name (AFTERMAP_TOPICS=ring): on the demo's 194 tiles such a ring stands at the edge of what can be found.
import { strict as assert } from 'node:assert'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { api, base, DESK, open, PAIR, server, shots, signIn, skip, test, violations, visitor } from './harness.mjs'

const PAGE = `/c/${PAIR}/volunteers`
const LIST = `/api/v1/campaigns/${PAIR}/volunteers?limit=100`
const row = (page, name) => page.getByTestId(`volunteer-${name}`)
const map = (page) => page.evaluate((path) => fetch(path).then((reply) => reply.text()), `/api/v1/campaigns/${PAIR}/exports/tiles.csv`)

async function followed(page) {
  for (let turn = 0; turn < 300; turn += 1) {
    if (!(await api(page, LIST)).recomputation.running) return
    await page.waitForTimeout(300)
  }
  throw new Error('the maps never follow')
}

async function act(page, reason) {
  const dialog = page.locator('dialog[open]')
  await dialog.locator('textarea[name=reason]').fill(reason)
  await dialog.getByTestId('act-yes').click()
  await dialog.waitFor({ state: 'detached' }).catch(() => dialog.waitFor({ state: 'hidden' }))
}

if (server) {
  await test('a ring of 20 accounts is found with its evidence, excluded, and the map follows; lifted, it is as before', async () => {
    server.setPolicy(PAIR, { refit_after: 300 })
    const crowd = spawn(server.binary, ['simulate', '--url', base, '--campaign', PAIR, '--volunteers', '60', '--ring', '20', '--seed', '9', '--skill', 'good', '--patience', '30'], { stdio: 'ignore' })
    await once(crowd, 'exit')
    const { page, context } = await visitor(DESK)
    await signIn(page)
    await open(page, PAGE)
    await page.getByTestId('volunteers').waitFor()
    await page.locator('[data-testid=ring]').first().waitFor({ timeout: 60_000 })
    await followed(page)
    const members = Number(await page.getByTestId('ring').first().getAttribute('data-members'))
    assert.ok(members >= 15 && members <= 24, `${members} accounts in the ring`)
    assert.deepEqual(await violations(page), [])
    await page.screenshot({ path: `${shots}/volunteers-ring-1280-light.png`, fullPage: true })
    // What follows is compared with a map whose model knows every label: a first exclusion makes one.
    const someone = (await api(page, LIST)).volunteers.find(({ flags }) => flags.length === 0).name
    for (const button of ['Exclude', 'Lift']) {
      await page.locator('input[autocomplete=off]').first().fill(someone)
      await row(page, someone).getByRole('button', { name: new RegExp(`^${button}`) }).click()
      await act(page, 'a first look')
      await followed(page)
      await row(page, someone).getByRole('button', { name: button === 'Exclude' ? /^Lift/ : /^Exclude/ }).waitFor()
    }
    const before = await map(page)
    await page.getByTestId('exclude-ring').first().click()
    await page.screenshot({ path: `${shots}/volunteers-exclude-1280-light.png` })
    assert.deepEqual(await violations(page), [])
    await page.getByTestId('act-yes').click()
    await page.locator('dialog[open] [role=alert]').waitFor()
    await act(page, 'They gave the same wrong answers.')
    await followed(page)
    const { excluded } = await api(page, LIST)
    assert.equal(excluded, members)
    const without = await map(page)
    assert.notEqual(without, before, 'the map follows')
    await open(page, PAGE)
    await page.locator('[data-testid=volunteers]').waitFor()
    assert.equal(await page.locator(`[data-testid=ring][data-members="${members}"]`).count(), 0, 'the ring is gone from the model')
    const names = (await api(page, `${LIST}&standing=excluded`)).volunteers.map(({ name }) => name)
    const lifted = await page.evaluate(([path, names]) => fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ volunteers: names, reason: 'a mistake' }) }).then((reply) => reply.ok), [`/api/v1/campaigns/${PAIR}/exclusions/lift`, names])
    assert.ok(lifted)
    await followed(page)
    assert.equal(await map(page), before, 'to the byte')
    await context.close()
  })
} else skip('a ring is found and excluded', 'the server is not ours')
