// Access (10): the whole way by keyboard alone, what a screen reader hears, reduced motion, 360 pixels to 4k.
import { strict as assert } from 'node:assert'
import { counted, DESK, drawn, labelsOf, open, PAIR, saved, startLabelling, test, visitor } from './harness.mjs'

/** Presses Tab until the focus stands on what the test means. */
async function tabTo(page, testid) {
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press('Tab')
    if ((await page.evaluate(() => document.activeElement?.dataset.testid)) === testid) return
  }
  throw new Error(`Tab never reaches ${testid}`)
}

await test('from the first page to three saved answers by keyboard alone', async () => {
  const { page, context } = await visitor(DESK)
  await open(page, '/')
  await page.getByTestId(`start-${PAIR}`).waitFor()
  await tabTo(page, `start-${PAIR}`)
  await page.keyboard.press('Enter')
  await page.getByTestId('gate-start').waitFor()
  await tabTo(page, 'gate-start')
  await page.keyboard.press('Enter')
  await drawn(page)
  await tabTo(page, 'answer-unsure')
  await page.keyboard.press('Enter')
  await counted(page, 1)
  await drawn(page)
  await page.keyboard.press('1')
  await counted(page, 2)
  await drawn(page)
  await tabTo(page, 'remark')
  await page.keyboard.press('Enter')
  await page.keyboard.press('Escape')
  assert.equal(await page.evaluate(() => document.activeElement?.dataset.testid), 'remark', 'the focus returns')
  await page.keyboard.press('2')
  await counted(page, 3)
  await saved(page)
  assert.equal(await labelsOf(page), 3)
  await context.close()
})

await test('every control has a name, and answers and changes are said aloud', async () => {
  const { page, context } = await visitor(DESK)
  await startLabelling(page)
  await drawn(page)
  const nameless = await page.evaluate(() => [...document.querySelectorAll('button, a, input, [role=slider]')].filter((one) => !(one.getAttribute('aria-label') || one.textContent.trim() || one.labels?.length)).map((one) => one.outerHTML.slice(0, 120)))
  assert.deepEqual(nameless, [])
  await page.keyboard.press('u')
  await page.waitForFunction(() => document.querySelector('[data-testid=said]').textContent.startsWith('Unsure'))
  await page.keyboard.press('z')
  await page.waitForFunction(() => document.querySelector('[data-testid=said]').textContent.startsWith('Previous'))
  await saved(page)
  await context.close()
})

await test('nothing blinks by itself for those who asked for less motion', async () => {
  const { page, context } = await visitor({ ...DESK, reducedMotion: 'reduce' })
  await startLabelling(page)
  await drawn(page)
  await page.getByTestId('layout-blink').click()
  const side = () => page.locator('.plate.before').getAttribute('class')
  const first = await side()
  await page.waitForTimeout(1200)
  assert.equal(await side(), first)
  await context.close()
})

await test('the workbench fits screens from 320 by 560 to 4k without a scroll bar', async () => {
  for (const [width, height] of [[320, 560], [360, 640], [740, 360], [1024, 600], [3840, 2160]]) {
    const { page, context } = await visitor({ viewport: { width, height } })
    await startLabelling(page)
    await drawn(page)
    const { wide, high, picture } = await page.evaluate(() => ({
      wide: document.documentElement.scrollWidth - innerWidth,
      high: document.documentElement.scrollHeight - innerHeight,
      picture: document.querySelector('[data-testid=compare] .view').getBoundingClientRect().height,
    }))
    assert.ok(wide <= 0 && high <= 0, `${width} by ${height}: ${wide} too wide, ${high} too high`)
    assert.ok(picture >= 100, `${width} by ${height}: the picture is ${picture} high`)
    await context.close()
  }
})
