// Checking the map (validation): a sample is drawn, two people grade it blind, a third decides, and the report tells how right the map is.
import { strict as assert } from 'node:assert'
import { api, base, DESK, drawn, offers, open, PAIR, PHONE, server, shots, skip, test, TIMELINE, trouble, violations, visitor } from './harness.mjs'

if (!server) skip('validation', 'the server is not ours to give roles on')
else {
  await server.simulate(PAIR, 30)
  const names = ['grader-one', 'grader-two', 'grader-three']
  const people = names.map((name, place) => server.account(name, place === 2 ? 'researcher' : 'reviewer', PAIR))

  async function come(page, { name, password }) {
    await open(page, '/')
    await page.evaluate((body) => fetch('/api/v1/session', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }), { name, password })
    await page.reload()
    await page.getByTestId('who').waitFor()
  }
  const place = (page) => page.getByTestId('grading')
  const left = async (page) => Number(await place(page).getAttribute('data-left'))
  const begin = async (page) => {
    await open(page, `/c/${PAIR}/validate?grade=1`)
    await page.locator('[data-testid=grading-over], [data-testid=compare][data-drawn=true]').first().waitFor()
  }
  /** Grades everything that there is by the keyboard; `key` says which one. */
  async function gradeAll(page, key) {
    await begin(page)
    for (let turn = 0; turn < 40 && (await page.getByTestId('compare').count()) > 0; turn += 1) {
      await drawn(page)
      const before = Number(await place(page).getAttribute('data-mine'))
      await page.keyboard.press(key(turn))
      await page.locator(`[data-testid=grading][data-mine="${before + 1}"]`).waitFor()
      await page.waitForTimeout(50)
    }
    await page.getByTestId('grading-over').waitFor()
  }

  await test('a researcher draws a sample; a floor that does not fit is explained', async () => {
    const { page, context } = await visitor(DESK)
    await come(page, people[2])
    await open(page, `/c/${PAIR}`)
    await page.getByTestId('part-validate').click()
    await page.getByTestId('samples').waitFor()
    await page.locator('input[name=size]').fill('12')
    await page.locator('input[name=floor]').fill('12')
    trouble.expected = true // the refusal is what is asked for
    await page.locator('form button').click()
    await page.locator('form [role=alert]').waitFor()
    await page.locator('input[name=floor]').fill('2')
    await page.locator('form button').click()
    await page.getByTestId('grade').waitFor()
    assert.equal((await api(page, `/api/v1/campaigns/${PAIR}/validation`)).samples[0].progress.drawn, 12)
    await context.close()
  })

  await test('a reviewer grades by keyboard alone and takes the last grade back', async () => {
    const { page, context } = await visitor(DESK)
    await come(page, people[0])
    const seen = []
    page.on('response', async (reply) => {
      if (reply.url().includes('/desk')) seen.push(await reply.text().catch(() => ''))
    })
    await begin(page)
    await drawn(page)
    const all = await left(page)
    await page.keyboard.press('1')
    await page.locator('[data-testid=grading][data-mine="1"]').waitFor()
    await page.keyboard.press('z')
    await page.getByTestId('given').waitFor()
    await page.keyboard.press('2')
    await page.getByTestId('given').waitFor({ state: 'detached' })
    assert.equal(await left(page), all - 1)
    await gradeAll(page, () => '1')
    assert.ok(seen.length > 0)
    for (const word of ['class', 'agreement', 'probability', 'answer', 'turn']) assert.ok(!seen.join().includes(word), `the desk tells nothing: ${word}`)
    await context.close()
  })

  await test('on a phone another one grades by touch; the third decides what they dispute', async () => {
    const { page, context } = await visitor(PHONE)
    await come(page, people[1])
    await begin(page)
    await drawn(page)
    await page.screenshot({ path: `${shots}/validate-grade-360-light.png` })
    await page.locator('[data-testid^=answer-]').first().tap()
    await page.locator('[data-testid=grading][data-mine="1"]').waitFor()
    await gradeAll(page, (turn) => (turn % 3 === 0 ? '2' : '1'))
    await context.close()
    const third = await visitor(DESK)
    await come(third.page, people[2])
    await gradeAll(third.page, () => '1')
    const { samples } = await api(third.page, `/api/v1/campaigns/${PAIR}/validation`)
    assert.equal(samples[0].progress.decided, 12)
    await third.context.close()
  })

  await test('the report says how right the map is, for which tiles, and comes as files', async () => {
    const { page, context } = await visitor(DESK)
    await come(page, people[2])
    await open(page, `/c/${PAIR}/validate?report=1`)
    await page.locator('[data-testid=report-page][data-complete=true]').waitFor()
    assert.match(await page.getByTestId('overall').textContent(), /%/)
    const cells = await page.getByTestId('matrix').locator('td.number').allTextContents()
    assert.equal(cells.map(Number).reduce((sum, n) => sum + n, 0), 12)
    for (const file of ['report.md', 'report.csv', 'report.json', 'tiles.csv']) {
      const link = page.locator(`a[download][href$="/${file}"]`)
      assert.ok((await fetch(base + (await link.getAttribute('href')), { headers: { cookie: (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ') } })).ok, file)
    }
    await context.close()
  })

  if (await offers(TIMELINE)) {
    await test('in a timeline a grader says what, not when', async () => {
      await server.simulate(TIMELINE, 12)
      const { name, password } = server.account('grader-time', 'researcher', TIMELINE)
      const { page, context } = await visitor(PHONE)
      await come(page, { name, password })
      await page.evaluate((slug) => fetch(`/api/v1/campaigns/${slug}/validation`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"size":12,"floor":2}' }), TIMELINE)
      await open(page, `/c/${TIMELINE}/validate?grade=1`)
      await drawn(page)
      await page.screenshot({ path: `${shots}/validate-timeline-360-light.png` })
      await page.locator('[data-testid^=answer-]').nth(1).tap()
      await page.locator('[data-testid=grading][data-mine="1"]').waitFor()
      await context.close()
    })
  }

  for (const [size, shape] of [['360', PHONE], ['1280', DESK]]) {
    for (const look of ['light', 'dark', 'arabic']) {
      await test(`checking the map at ${size} pixels, ${look}: accessible, and nothing wider than the screen`, async () => {
        const { page, context } = await visitor({ ...shape, colorScheme: look === 'dark' ? 'dark' : 'light' })
        await come(page, people[2])
        const found = []
        for (const [name, address] of [['samples', ''], ['report', '?report=1'], ['over', '?grade=1']]) {
          await open(page, `/c/${PAIR}/validate${address}`, look === 'arabic' ? '?lang=ar' : '')
          await page.locator('[data-testid=samples] h2, [data-testid=report-page], [data-testid=grading-over]').first().waitFor()
          await page.waitForTimeout(300)
          await page.screenshot({ path: `${shots}/validate-${name}-${size}-${look}.png`, fullPage: name !== 'over' })
          found.push(...(await violations(page)).map((violation) => `${name}: ${violation}`))
          const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
          if (wide > 0) found.push(`${name}: ${wide} pixels wider than the screen`)
        }
        assert.deepEqual(found, [])
        await context.close()
      })
    }
  }
}
