// Volunteers: one in detail, what they are told, and the page on a phone, in the dark and in Arabic.
import { strict as assert } from 'node:assert'
import { api, boss, DESK, open, PAIR, PHONE, server, shots, signIn, startLabelling, test, violations, visitor } from './harness.mjs'

const PAGE = `/c/${PAIR}/volunteers`

await test('one volunteer is shown in detail, under the pseudonym alone', async () => {
  const { page, context } = await visitor(DESK)
  await signIn(page)
  // So few that tiles stay open on which they differ: somebody else is to label one later.
  if (server && (await api(page, `/api/v1/campaigns/${PAIR}/volunteers`)).everybody < 3) await server.simulate(PAIR, 5, 4)
  await open(page, PAGE)
  await page.getByTestId('sort-seconds').click()
  await page.locator('[data-testid=volunteers] tbody button').first().click()
  await page.getByTestId('person').waitFor()
  assert.deepEqual(await violations(page), [])
  assert.ok(!(await page.locator('dialog[open]').textContent()).includes(boss.name))
  await page.screenshot({ path: `${shots}/volunteers-person-1280-light.png` })
  await context.close()
})

await test('a banner is written on the desk, read above the work, and put away', async () => {
  const { page, context } = await visitor(DESK)
  await signIn(page)
  await open(page, PAGE)
  await page.locator('[data-testid=messages] textarea').fill('New pictures came in: please look at the north too.')
  await page.getByTestId('announce').dblclick()
  await page.locator('[data-testid=messages] li').first().waitFor()
  assert.equal(await page.locator('[data-testid=messages] li:not(.gone)').count(), 1, 'a double click tells it once')
  const reader = await visitor(PHONE)
  await startLabelling(reader.page)
  const told = reader.page.getByTestId('announcements')
  await told.getByText('New pictures came in').waitFor()
  assert.deepEqual(await violations(reader.page), [])
  await reader.page.screenshot({ path: `${shots}/volunteers-banner-360-light.png` })
  for (const [width, height] of [[360, 740], [320, 560], [1280, 800]]) {
    await reader.page.setViewportSize({ width, height })
    await reader.page.waitForTimeout(100)
    const row = await told.boundingBox()
    for (const what of ['.plate.before', '#question']) {
      const box = await reader.page.locator(what).boundingBox()
      assert.ok(box.y >= row.y + row.height - 1, `the message covers ${what} at ${width} px`)
    }
    const [whole, seen] = await reader.page.evaluate(() => [document.documentElement.scrollHeight, innerHeight])
    assert.ok(whole <= seen, `the workbench scrolls at ${width}x${height}: ${whole}`)
    await reader.page.screenshot({ path: `${shots}/volunteers-banner-${width}x${height}.png` })
  }
  await open(reader.page, `/c/${PAIR}`)
  await told.getByText('New pictures came in').waitFor()
  const [title, aside] = [await reader.page.locator('h1').boundingBox(), await reader.page.locator('aside').boundingBox()]
  assert.ok(aside.y + aside.height > title.y, 'the side box stays beside the title')
  await reader.page.screenshot({ path: `${shots}/volunteers-banner-page-1280.png` })
  await told.getByRole('button').first().click()
  await told.getByText('New pictures came in').waitFor({ state: 'detached' })
  await open(reader.page, `/c/${PAIR}/label`)
  assert.equal(await reader.page.getByText('New pictures came in').count(), 0, 'it stays away')
  await page.locator('[data-testid=messages] li button').first().click()
  await page.locator('[data-testid=messages] li.gone').first().waitFor()
  await Promise.all([context.close(), reader.context.close()])
})

await test('the page of volunteers works at 360 px, in the dark and in Arabic', async () => {
  for (const [name, options, query] of [['360-light', PHONE, ''], ['1280-dark', { ...DESK, colorScheme: 'dark' }, ''], ['360-arabic', { ...PHONE, locale: 'ar' }, '?lang=ar']]) {
    const { page, context } = await visitor(options)
    await signIn(page)
    await open(page, PAGE, query)
    await page.getByTestId('volunteers').waitFor()
    await page.waitForTimeout(500)
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth + 1), `${name} scrolls sideways`)
    assert.deepEqual(await violations(page), [], name)
    await page.screenshot({ path: `${shots}/volunteers-${name}.png`, fullPage: true })
    await context.close()
  }
})
