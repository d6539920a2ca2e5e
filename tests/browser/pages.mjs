// Every page in both themes and in Arabic, on a phone and a desk: no accessibility violation, nothing wider than the screen; a screenshot.
import { strict as assert } from 'node:assert'
import { DESK, drawn, offers, open, PAIR, passGate, PHONE, shots, signIn, signOut, test, TIMELINE, violations, visitor } from './harness.mjs'

const timeline = await offers(TIMELINE)
const PAGES = {
  home: '/',
  campaign: `/c/${PAIR}`,
  gate: `/c/${PAIR}/label`,
  label: `/c/${PAIR}/label`,
  ...(timeline && { timeline: `/c/${TIMELINE}/label`, training: `/c/${TIMELINE}/training`, practice: `/c/${TIMELINE}/training` }),
  mine: `/c/${PAIR}/mine`,
  me: '/me',
  desk: `/c/${PAIR}/desk`,
  progress: `/c/${PAIR}/progress`,
  map: `/c/${PAIR}/map`,
  'sign-in': '/sign-in',
  register: '/register',
  recover: '/recover',
  'not-found': '/nowhere',
}
const WHOLE = ['gate', 'label', 'timeline', 'practice']

async function show(page, name, query) {
  await open(page, PAGES[name], query)
  if (name === 'gate') await page.getByTestId('gate').waitFor()
  if (name === 'label' || name === 'timeline') {
    await passGate(page)
    await drawn(page)
  }
  if (name === 'practice') {
    await page.getByTestId('practise').click()
    await drawn(page)
  }
  if (name === 'map') await page.locator('[data-testid=results-map], main .note').first().waitFor()
  if (name === 'desk') await page.locator('.uplot, main section p').first().waitFor()
  if (name === 'progress') await page.getByTestId('public-progress').waitFor()
  await page.waitForTimeout(name === 'map' ? 700 : 250)
}

for (const [size, shape] of [['360', PHONE], ['1280', DESK]]) {
  for (const look of ['light', 'dark', 'arabic']) {
    await test(`no accessibility violations at ${size} pixels, ${look}; a screenshot of every page`, async () => {
      const { page, context } = await visitor({ ...shape, colorScheme: look === 'dark' ? 'dark' : 'light' })
      const found = []
      await signIn(page)
      for (const name of Object.keys(PAGES)) {
        if (name === 'sign-in') await signOut(page)
        await show(page, name, look === 'arabic' ? '?lang=ar' : '')
        await page.screenshot({ path: `${shots}/${name}-${size}-${look}.png`, fullPage: !WHOLE.includes(name) })
        found.push(...(await violations(page)).map((violation) => `${name}: ${violation}`))
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
        if (wide > 0) found.push(`${name}: ${wide} pixels wider than the screen`)
      }
      assert.deepEqual(found, [])
      await context.close()
    })
  }
}

await test('the windows over the workbench have no accessibility violations', async () => {
  const { page, context } = await visitor(DESK)
  await open(page, `/c/${PAIR}/label`)
  await passGate(page)
  await drawn(page)
  const found = []
  for (const opener of ['keys', 'guide', 'remark', 'support', 'outbox']) {
    await page.getByTestId(opener).click()
    await page.locator('dialog[open]').waitFor()
    await page.waitForTimeout(250)
    found.push(...(await violations(page)).map((violation) => `${opener}: ${violation}`))
    await page.keyboard.press('Escape')
  }
  await page.getByTestId('exposure').click()
  for (const layout of ['side', 'fade', 'blink', 'swipe']) {
    await page.getByTestId(`layout-${layout}`).click()
    found.push(...(await violations(page)).map((violation) => `${layout}: ${violation}`))
  }
  assert.deepEqual(found, [])
  await context.close()
})
