// Compare (3): swipe, side by side, fade, blink; zoom and pan in step; exposure that stays; the next pair at once; no WebGL.
import { strict as assert } from 'node:assert'
import { counted, DESK, drawn, PAIR, percentile, saved, startLabelling, test, visitor } from './harness.mjs'

const { page, context } = await visitor(DESK)
const stage = page.getByTestId('compare')
const layout = () => stage.getAttribute('data-layout')

/** A digest of one part of the picture, to tell whether it changed. `from` and `to` are shares of the width. */
const look = (from = 0, to = 1) =>
  page.evaluate(([from, to]) => {
    const canvas = document.querySelector('[data-testid=compare] canvas')
    const left = Math.floor(canvas.width * from)
    const { data } = canvas.getContext('2d').getImageData(left, 0, Math.max(1, Math.floor(canvas.width * to) - left), canvas.height)
    let hash = 0
    const colours = new Set()
    for (let i = 0; i < data.length; i += 4 * 31) {
      hash = (Math.imul(hash, 31) + data[i] + data[i + 1] * 7 + data[i + 2] * 13) | 0
      colours.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2])
    }
    return { hash, colours: colours.size }
  }, [from, to])
const settle = () => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))

await startLabelling(page)
await drawn(page)

await test('both scenes are drawn on a plain canvas, in a browser without WebGL', async () => {
  assert.equal(await page.evaluate(() => document.createElement('canvas').getContext('webgl')), null)
  assert.ok((await look(0, 0.45)).colours > 50 && (await look(0.55, 1)).colours > 50)
})

await test('the slider moves by keys and by hand, before stays on the left', async () => {
  const slider = page.getByTestId('slider')
  const at = async () => Number(await slider.getAttribute('aria-valuenow'))
  const start = await at()
  await page.keyboard.press('ArrowLeft')
  assert.ok((await at()) < start)
  const box = await slider.boundingBox()
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2)
  await page.mouse.down()
  await page.mouse.move(box.x + 300, box.y)
  await page.mouse.up()
  assert.ok((await at()) > 70)
})

await test('swipe, side by side, fade and blink follow by key, and each draws another picture', async () => {
  const seen = []
  const pictures = new Set()
  for (let turn = 0; turn < 4; turn += 1) {
    await settle()
    seen.push(await layout())
    pictures.add((await look()).hash)
    await page.keyboard.press('v')
  }
  assert.deepEqual(seen, ['swipe', 'side', 'fade', 'blink'])
  assert.ok(pictures.size >= 3, `${pictures.size} different pictures`)
  assert.equal(await layout(), 'swipe')
})

await test('blink shows the other image by itself, and the space bar and the button stop it', async () => {
  await page.getByTestId('layout-blink').click()
  const first = (await look()).hash
  await page.waitForFunction((old) => document.querySelector('.plate.after:not(.off)') !== null || old === null, first)
  await page.getByTestId('blink').click()
  await settle()
  const still = (await look()).hash
  await page.waitForTimeout(1100)
  assert.equal((await look()).hash, still)
  await page.evaluate(() => document.activeElement.blur())
  await page.keyboard.press(' ')
  await settle()
  assert.notEqual((await look()).hash, still)
  await page.getByTestId('layout-swipe').click()
})

await test('wheel, keys and double click zoom, dragging moves, and one button leads back', async () => {
  await settle()
  const start = (await look()).hash
  const box = await stage.boundingBox()
  await page.mouse.move(box.x + 200, box.y + 250)
  await page.mouse.wheel(0, -300)
  await settle()
  const zoomed = (await look()).hash
  assert.notEqual(zoomed, start)
  await page.mouse.down()
  await page.mouse.move(box.x + 120, box.y + 180)
  await page.mouse.up()
  await settle()
  assert.notEqual((await look()).hash, zoomed)
  await page.getByTestId('reset').click()
  await drawn(page)
  await settle()
  assert.equal((await look()).hash, start)
  for (const key of ['+', 'Shift+ArrowUp']) {
    await page.keyboard.press(key)
    await settle()
    assert.notEqual((await look()).hash, start, key)
  }
  await page.keyboard.press('0')
})

await test('two fingers zoom both images in step', async () => {
  await page.getByTestId('layout-side').click()
  await drawn(page)
  await settle()
  const before = [(await look(0, 0.5)).hash, (await look(0.5, 1)).hash]
  const box = await stage.boundingBox()
  const cdp = await context.newCDPSession(page)
  const fingers = (spread) => [-1, 1].map((side, id) => ({ x: box.x + 200 + side * spread, y: box.y + 250, id }))
  await cdp.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: fingers(20) })
  for (const spread of [40, 60, 80]) await cdp.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: fingers(spread) })
  await cdp.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] })
  await settle()
  const after = [(await look(0, 0.5)).hash, (await look(0.5, 1)).hash]
  assert.notEqual(after[0], before[0])
  assert.notEqual(after[1], before[1])
  await page.getByTestId('layout-swipe').click()
  await page.keyboard.press('0')
})

await test('brightness, greyscale and dimming stay on over a reload; the outline can be switched off', async () => {
  await page.getByTestId('exposure').click()
  await page.getByTestId('exposure-grey').check()
  await page.getByTestId('exposure-dim').check()
  const filter = () => page.evaluate(() => getComputedStyle(document.querySelector('[data-testid=compare] canvas')).filter)
  assert.match(await filter(), /brightness\(0\.55\).*grayscale\(1\)/)
  await page.reload()
  await drawn(page)
  assert.match(await filter(), /brightness\(0\.55\).*grayscale\(1\)/)
  await page.getByTestId('exposure').click()
  await page.getByTestId('exposure-panel').getByRole('button').first().click()
  assert.equal(await filter(), 'none')
  await page.getByTestId('exposure').click()
  const marks = () => page.evaluate(() => {
    const canvas = document.querySelectorAll('[data-testid=compare] canvas')[1]
    return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0)
  })
  assert.equal(await marks(), true)
  await page.keyboard.press('o')
  await settle()
  assert.equal(await marks(), false)
  await page.keyboard.press('o')
})

await test('dates, sensor, credit, scale bar and north stand on the picture', async () => {
  const words = await stage.textContent()
  assert.match(words, /2025/)
  assert.match(await page.locator('.scale').getAttribute('aria-label'), /\d+ ?k?m .*North/)
})

await test('the next pair stands at once: the time from press to picture over twenty tiles', async () => {
  const times = []
  for (let tile = 1; tile <= 20; tile += 1) {
    await drawn(page)
    await page.waitForTimeout(120) // a person looks longer
    times.push(
      await page.evaluate(() => new Promise((done) => {
        const stage = document.querySelector('[data-testid=compare]')
        const old = stage.dataset.tile
        const began = performance.now()
        const look = () => {
          const now = document.querySelector('[data-testid=compare]')
          if (now && now.dataset.tile !== old && now.dataset.drawn === 'true') done(performance.now() - began)
          else requestAnimationFrame(look)
        }
        document.querySelector('[data-testid=answer-unsure]').click()
        requestAnimationFrame(look)
      })),
    )
    await counted(page, tile)
  }
  await saved(page)
  console.log(`      press to next pair: median ${percentile(times, 0.5).toFixed(0)} ms, p95 ${percentile(times, 0.95).toFixed(0)} ms, worst ${Math.max(...times).toFixed(0)} ms (${PAIR}, 20 tiles)`)
  assert.equal(times.length, 20)
})

await context.close()
