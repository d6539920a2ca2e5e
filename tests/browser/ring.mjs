// A ring of 20 accounts among 60 is found on the page with its evidence, excluded, and the map follows; lifted, it is as before to the byte.
import { strict as assert } from 'node:assert'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { api, base, DESK, open, PAIR, PHONE, server, shots, signIn, skip, test, trouble, violations, visitor } from './harness.mjs'
import { plantTown } from './town.mjs'

const SLUG = 'ring'
const PAGE = `/c/${SLUG}/volunteers`
const LIST = `/api/v1/campaigns/${SLUG}/volunteers?limit=100`
const CLASSES = ['no_visible_damage', 'damaged', 'destroyed']
const [VOLUNTEERS, RING, SEED] = [60, 20, 3]
const file = (page, name) => page.evaluate((path) => fetch(path).then((reply) => reply.text()), `/api/v1/campaigns/${SLUG}/exports/${name}`)

/** The lines of a CSV as objects. No field before the ones that are asked for here holds a comma. */
function rows(csv) {
  const [head, ...lines] = csv.trim().split(/\r?\n/).map((line) => line.replace(/"[^"]*"/g, '').split(','))
  return lines.map((line) => Object.fromEntries(head.map((name, at) => [name, line[at]])))
}

/**
 * How the map stands against the truth: closed tiles with the right class, with a wrong one, and all others; and of the wrong ones those
 * that are so because of these people: two of them or more said so.
 */
function judged(csv, truth, labels, people) {
  const votes = new Map()
  for (const { tile_id, volunteer, answer, is_current } of rows(labels)) {
    if (is_current === 'true' && people.includes(volunteer)) votes.set(`${tile_id}/${answer}`, (votes.get(`${tile_id}/${answer}`) ?? 0) + 1)
  }
  const found = { right: 0, wrong: 0, undecided: 0, because: 0 }
  for (const { tile_id, state, class: said } of rows(csv)) {
    if (!truth.has(tile_id)) continue
    const how = state !== 'settled' ? 'undecided' : said === truth.get(tile_id) ? 'right' : 'wrong'
    found[how] += 1
    if (how === 'wrong' && votes.get(`${tile_id}/${said}`) >= 2) found.because += 1
  }
  return found
}

/** Who gives one wrong answer, the one that the simulator's ring shares, on a good fifth of the tiles and more. */
function liars(labels, truth) {
  const people = new Map()
  for (const { tile_id, volunteer, answer, is_current } of rows(labels)) {
    if (is_current !== 'true' || !truth.has(tile_id)) continue
    const one = people.get(volunteer) ?? { labels: 0, errors: 0 }
    const wrong = CLASSES[(CLASSES.indexOf(truth.get(tile_id)) + 1) % 3]
    people.set(volunteer, { labels: one.labels + 1, errors: one.errors + Number(answer === wrong) })
  }
  return [...people].filter(([, { labels, errors }]) => labels >= 30 && errors > 0.22 * labels).map(([name]) => name)
}

async function followed(page) {
  for (let turn = 0; turn < 300; turn += 1) {
    if (!(await api(page, LIST)).recomputation.running) return
    await page.waitForTimeout(300)
  }
  throw new Error('the maps never follow')
}

/** Waits for the first model, and for every tile to follow it: what the page does not tell, the database does. */
async function fitted(page) {
  const behind = 'SELECT COUNT(*) FROM consensus JOIN campaigns ON campaigns.id = consensus.campaign_id JOIN queue ON queue.tile = consensus.tile WHERE slug = ? AND gold IS NULL AND (campaigns.model = 0 OR consensus.model <> campaigns.model)'
  for (let turn = 0; turn < 120; turn += 1) {
    if (server.sql(behind, SLUG)[0][0] === 0) return
    await page.waitForTimeout(500)
  }
  throw new Error('the tiles never follow the first model')
}

async function act(page, reason) {
  const dialog = page.locator('dialog[open]')
  await dialog.locator('textarea[name=reason]').fill(reason)
  await dialog.getByTestId('act-yes').click()
  await dialog.waitFor({ state: 'detached' })
}

async function label(volunteers, ring, seed, truth) {
  const crowd = spawn(server.binary, ['simulate', '--url', base, '--campaign', SLUG, '--volunteers', `${volunteers}`, '--ring', `${ring}`, '--seed', `${seed}`, '--skill', 'good', '--truth', truth, '--patience', '8'], { stdio: 'ignore' })
  await once(crowd, 'exit')
}

if (!server) skip('a ring is found and excluded', 'the server is not ours')
else {
  const { bounds } = await (await fetch(`${base}/api/v1/campaigns/${PAIR}`)).json()
  // Twelve labels a tile, and no model before the rush is over: so the ring works unseen, and outvotes the honest on some tiles.
  // Much check gold lets the model tell what is wrong where a third of the crowd lies.
  const policy = { kind: { fixed: { redundancy: 12 } }, maximum: 15, refit_after: 100_000, gold_share: 0.15, gold_share_first: 0.2 }
  const town = plantTown(server, SLUG, { bounds, columns: 32, rows: 24, goldEvery: 8, policy })
  await label(VOLUNTEERS, RING, SEED, town.file)
  const { page, context } = await visitor(DESK)
  await signIn(page, server.coordinator(SLUG, 'ring-keeper'))
  await open(page, PAGE)
  await page.getByTestId('volunteers').waitFor()
  const log = await file(page, 'labels.csv')
  const guilty = liars(log, town.truth)
  const look = async () => judged(await file(page, 'tiles.csv'), town.truth, log, guilty)
  const rushed = await look()
  server.setPolicy(SLUG, { ...policy, refit_after: 1000 })
  await fitted(page)
  const before = await file(page, 'tiles.csv')

  const rings = page.getByTestId('ring')
  const members = new Set()

  /** The suspected ring with the strongest evidence: the one against which chance speaks loudest. */
  async function strongest() {
    const powers = await rings.evaluateAll((cards) => cards.map((card) => Number(card.textContent.match(/p = 10\^([−-]?[\d.]+)/)[1].replace('−', '-'))))
    return rings.nth(powers.indexOf(Math.min(...powers)))
  }
  const membersOf = (ring) => ring.locator('.names button').allInnerTexts()

  await test('accounts of a ring of 20 among 60 are shown with the evidence, the strongest against nobody honest', async () => {
    assert.equal(guilty.length, RING, `the simulator's ring, seen in the log: ${guilty}`)
    await rings.first().waitFor({ timeout: 60_000 })
    const ring = await strongest()
    const shown = await membersOf(ring)
    assert.deepEqual(shown.filter((name) => !guilty.includes(name)), [], 'nobody honest is in it')
    console.log(`      shown at first: ${await rings.count()} rings of ${(await page.locator('[data-testid=ring] .names button').allInnerTexts()).map((name) => (guilty.includes(name) ? 'r' : 'h')).join('')}`)
    for (const fold of await ring.locator('summary').all()) await fold.click()
    const [pairs, tiles] = [0, 1].map((at) => ring.locator('table').nth(at).locator('tbody tr'))
    const [, , errors, expected] = await pairs.first().locator('th, td').allInnerTexts()
    assert.ok(Number(errors) > 2 * Number(expected), `the first pair errs together ${errors} times, by chance ${expected}`)
    const [id, said] = await tiles.first().locator('th, td').allInnerTexts()
    assert.ok(/^t\d{4}$/.test(id) && said, `${id}: ${said}`)
    assert.deepEqual(await violations(page), [])
    await page.screenshot({ path: `${shots}/ring-1280-light.png`, fullPage: true })
  })

  await test('excluded with a reason until none is left, what the ring made wrong stands on the map no more', async () => {
    // Each exclusion makes a model in which the rest may show; a ring is not always seen whole at once.
    for (let turn = 0; turn < 12 && (await rings.count()) > 0; turn += 1) {
      const ring = await strongest()
      const names = await membersOf(ring)
      await ring.getByTestId('exclude-ring').click()
      if (turn === 0) {
        assert.deepEqual(await violations(page), [])
        await page.getByTestId('act-yes').click()
        await page.locator('dialog[open] [role=alert]').waitFor()
        await page.screenshot({ path: `${shots}/ring-exclude-1280-light.png` })
      }
      await act(page, 'They gave the same wrong answers.')
      for (const name of names) members.add(name)
      await followed(page)
      await fitted(page)
      await open(page, PAGE)
      await page.locator('[data-testid=ring], [data-testid=no-rings]').first().waitFor()
    }
    assert.equal((await api(page, LIST)).excluded, members.size)
    assert.deepEqual([...members].filter((name) => !guilty.includes(name)), [], 'nobody honest is excluded')
    assert.ok(members.size >= 0.85 * RING, `${members.size} of ${RING} are found`)
    const without = await look()
    console.log(`      ${members.size} of ${RING} excluded; wrong because of the ring: ${rushed.because} of ${town.truth.size} tiles after the rush, ${without.because} without it`)
    assert.ok(rushed.because >= 10, `the ring made ${rushed.because} tiles wrong`)
    assert.ok(without.because <= rushed.because / 10, `${without.because} of ${rushed.because} are wrong still`)
  })

  await test('lifted on the page, the map is as it was before, to the byte', async () => {
    await page.locator('select').first().selectOption('excluded')
    await page.waitForFunction((all) => document.querySelector('[data-testid=volunteers]')?.getAttribute('data-all') === String(all), members.size)
    await page.getByTestId('lift-all').click()
    await page.screenshot({ path: `${shots}/ring-lift-1280-light.png` })
    await act(page, 'a mistake')
    await followed(page)
    assert.equal((await api(page, LIST)).excluded, 0)
    assert.ok((await file(page, 'tiles.csv')) === before, 'the map differs from the one before')
  })

  await test('excluded again, and the honest go on: the map is restored', async () => {
    await page.evaluate(([path, volunteers]) => fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ volunteers, kind: 'excluded', reason: 'a ring after all' }) }), [`/api/v1/campaigns/${SLUG}/exclusions`, [...members]])
    await followed(page)
    trouble.expected = true // where the crowd fills the server, the page is told to ask again
    await label(25, 0, 10, town.file)
    const restored = await look()
    console.log(`      right: ${rushed.right} after the rush, ${restored.right} at the end; undecided ${restored.undecided}, wrong ${restored.wrong}`)
    assert.ok(restored.because <= rushed.because / 10 && restored.right > 0.95 * town.truth.size, JSON.stringify(restored))
  })

  await test('the page of a ring works at 360 px, in the dark and in Arabic', async () => {
    for (const [name, options, query] of [['360-light', PHONE, ''], ['1280-dark', { ...DESK, colorScheme: 'dark' }, ''], ['360-arabic', { ...PHONE, locale: 'ar' }, '?lang=ar']]) {
      const { page: other, context: another } = await visitor(options)
      await another.addCookies(await context.cookies())
      await open(other, PAGE, query)
      await other.getByTestId('volunteers').waitFor()
      await other.locator('select').first().selectOption('excluded')
      await other.getByTestId('lift-all').waitFor()
      assert.deepEqual(await violations(other), [], name)
      await other.screenshot({ path: `${shots}/ring-${name}.png`, fullPage: true })
      await another.close()
    }
  })
  await context.close()
}
