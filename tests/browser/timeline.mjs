// Timeline campaigns (4): frames by keys and touch, marks, the window in words, and no impossible window.
import { strict as assert } from 'node:assert'
import { api, button, caught, classesOf, counted, DESK, drawn, labelsOf, offers, PHONE, saved, skip, startLabelling, test, TIMELINE, visitor } from './harness.mjs'

if (!(await offers(TIMELINE))) skip('timeline', `the server has no campaign ${TIMELINE}`)
else {
  const { page, context } = await visitor(DESK)
  await startLabelling(page, TIMELINE)
  await drawn(page)
  const scale = await classesOf(page, TIMELINE)
  const { scenes } = await api(page, `/api/v1/campaigns/${TIMELINE}`)
  const finding = () => page.getByTestId('window').getAttribute('data-finding')
  const at = () => page.locator('[data-testid=strip] [aria-current=true]').getAttribute('data-testid')
  const scenesShown = await page.locator('[data-testid=strip] li').count()

  await test('a strip of dated frames follows the arrow keys, a click and the play button', async () => {
    assert.ok(scenesShown >= 3 && scenesShown <= scenes.length, `${scenesShown} frames`)
    assert.equal(await at(), 'frame-0')
    await page.keyboard.press('ArrowRight')
    assert.equal(await at(), 'frame-1')
    await page.getByTestId('frame-2').click()
    assert.equal(await at(), 'frame-2')
    await page.keyboard.press('ArrowLeft')
    assert.equal(await at(), 'frame-1')
    await page.getByTestId('play').click()
    await page.locator('[data-testid=frame-2][aria-current=true]').waitFor()
    await page.getByTestId('play').click()
  })

  await test('marking the first damaged frame takes the one before as the last intact, in words', async () => {
    await page.getByTestId('frame-2').click()
    await page.keyboard.press('d')
    assert.equal(await finding(), 'between')
    const words = await page.getByTestId('window').textContent()
    assert.match(words, /between .+ and .+/)
    await page.getByTestId('frame-0').click()
    await page.getByTestId('mark-intact').click()
    assert.notEqual(await page.getByTestId('window').textContent(), words)
  })

  await test('impossible windows cannot be entered, and answer and window agree', async () => {
    await page.getByTestId('frame-2').click()
    await page.keyboard.press('i') // intact where damage was marked: the damage mark goes
    assert.equal(await finding(), 'started')
    await button(page, scale.at(-1)).click() // damaged, but no frame says when
    assert.match(await page.getByTestId('window').textContent(), /First mark/)
    await counted(page, 0)
    await page.getByTestId('mark-never').click()
    assert.equal(await finding(), 'never')
    await page.getByTestId('mark-already').click()
    assert.equal(await finding(), 'already')
    await page.getByTestId('mark-unknown').click()
    assert.equal(await finding(), 'unknown')
  })

  await test('the window reaches the server with the answer, and undo brings both back', async () => {
    await page.getByTestId('frame-2').click()
    await page.keyboard.press('d')
    const [[item]] = await caught(context, '**/api/v1/labels', async () => {
      await button(page, scale.at(-1)).click()
      await counted(page, 1)
      await saved(page)
    })
    assert.ok(item.window.last_intact && item.window.first_damaged, JSON.stringify(item))
    assert.equal(await labelsOf(page, TIMELINE), 1)
    await page.keyboard.press('z')
    await page.getByTestId('given').waitFor()
    assert.equal(await finding(), 'between')
    await page.keyboard.press('1') // none after all: the window follows
    await saved(page)
    await drawn(page)
    await page.keyboard.press('u')
    await counted(page, 2)
    await saved(page)
    assert.equal(await labelsOf(page, TIMELINE), 2)
  })

  await test('each frame draws its own picture, and others stand beside it on request', async () => {
    await drawn(page)
    const hash = () => page.evaluate(() => {
      const canvas = document.querySelector('[data-testid=compare] canvas')
      return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.reduce((sum, value, i) => (i % 97 ? sum : (sum * 31 + value) | 0), 0)
    })
    const seen = new Set()
    for (let frame = 0; frame < 3; frame += 1) {
      await page.getByTestId(`frame-${frame}`).click()
      await drawn(page)
      await page.waitForTimeout(60)
      seen.add(await hash())
    }
    assert.equal(seen.size, 3)
    await page.keyboard.press('v')
    assert.equal(await page.getByTestId('compare').getAttribute('data-layout'), 'side')
    await page.getByTestId('layout-single').click()
  })
  await context.close()

  await test('a stroke of the finger turns to the next frame', async () => {
    const phone = await visitor(PHONE)
    await startLabelling(phone.page, TIMELINE)
    await drawn(phone.page)
    const box = await phone.page.getByTestId('compare').boundingBox()
    const cdp = await phone.context.newCDPSession(phone.page)
    const finger = (x) => [{ x, y: box.y + 70, id: 0 }]
    await cdp.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: finger(260) })
    for (const x of [220, 170, 120]) await cdp.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: finger(x) })
    await cdp.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] })
    await phone.page.locator('[data-testid=frame-1][aria-current=true]').waitFor()
    await phone.context.close()
  })
}
