import { afterEach, describe, expect, it, vi } from 'vitest'
import { drag, scaleBar, seen, zoom } from './camera'
import { boxOf, cellsIn, levelFor, parentOf, resolutionAt, urlOf } from './grid'
import { Images } from './images'

const scene = { id: 'a b', min_zoom: 10, max_zoom: 17, bounds: [36, 35, 37, 36] }

describe('the grid of image tiles', () => {
  it('takes the level as fine as the view, within what the scene has', () => {
    expect(levelFor(scene, resolutionAt(14))).toBe(14)
    expect(levelFor(scene, resolutionAt(14) * 0.7)).toBe(15)
    expect(levelFor(scene, resolutionAt(22))).toBe(17)
    expect(levelFor(scene, resolutionAt(3))).toBe(10)
  })

  it('lists the tiles of a view, the middle one first, and none outside the scene', () => {
    const cell = { z: 15, x: 19706, y: 12925 }
    const [west, south, east, north] = boxOf(cell)
    const [width, height] = [east - west, north - south]
    const cells = cellsIn(scene, [west - width * 0.4, south - height * 0.4, east + width * 0.4, north + height * 0.4], 15)
    expect(cells).toHaveLength(9)
    expect(cells[0]).toEqual(cell)
    expect(cellsIn(scene, [0, 0, 1000, 1000], 15)).toEqual([])
  })

  it('covers the world without gaps between neighbours', () => {
    expect(boxOf({ z: 3, x: 2, y: 1 })[2]).toBe(boxOf({ z: 3, x: 3, y: 1 })[0])
    expect(boxOf({ z: 3, x: 2, y: 1 })[1]).toBeCloseTo(boxOf({ z: 3, x: 2, y: 2 })[3], 6)
  })

  it('finds the part of a coarser tile that covers a finer one', () => {
    expect(parentOf({ z: 5, x: 7, y: 4 }, 2)).toEqual({ cell: { z: 3, x: 1, y: 1 }, left: 192, top: 0, size: 64 })
  })

  it('writes addresses that any scene name survives', () => {
    expect(urlOf(scene, { z: 1, x: 2, y: 3 })).toBe('/tiles/a%20b/1/2/3')
  })
})

describe('the camera', () => {
  const camera = { x: 1000, y: 2000, resolution: 2 }
  const rect = { left: 0, top: 0, width: 400, height: 200 }

  it('keeps the ground under the finger while zooming', () => {
    const at = [120, -40] as const
    const ground = (one: typeof camera) => [one.x + at[0] * one.resolution, one.y - at[1] * one.resolution]
    expect(ground(zoom(camera, 3, ...at, [0.1, 100]))).toEqual(ground(camera).map((value) => expect.closeTo(value, 9)))
  })

  it('does not zoom beyond its limits', () => {
    expect(zoom(camera, 1000, 0, 0, [0.5, 8]).resolution).toBe(0.5)
    expect(zoom(camera, 0.001, 0, 0, [0.5, 8]).resolution).toBe(8)
  })

  it('moves the ground with the finger', () => {
    const moved = drag(camera, 10, 20)
    expect([moved.x, moved.y]).toEqual([980, 2040])
    expect(seen(moved, rect)).toEqual([580, 1840, 1380, 2240])
  })

  it('measures ground, not mercator metres, in a round length that fits', () => {
    const bar = scaleBar(1, 60, 100)
    expect(bar.metres).toBe(50)
    expect(bar.pixels).toBeCloseTo(100, 6)
    for (const resolution of [0.03, 0.4, 7, 33, 900]) expect(scaleBar(resolution, 36, 96).pixels).toBeLessThanOrEqual(96)
  })
})

describe('the store of images', () => {
  afterEach(() => void vi.useRealTimers())
  const picture = { close: () => {} } as ImageBitmap

  it('fetches each image once, what is drawn now before what is only wanted soon', async () => {
    const asked: string[] = []
    const waiting: (() => void)[] = []
    const images = new Images(() => {}, (url) => new Promise((done) => (asked.push(url), waiting.push(() => done(new Blob())))), async () => picture)
    for (let place = 0; place < 8; place += 1) images.want(`busy ${place}`)
    images.warm('later')
    images.want('soon')
    expect(images.get('now')).toBeNull()
    expect(images.get('now')).toBeNull()
    waiting.slice(0, 3).forEach((go) => go())
    await vi.waitFor(() => expect(asked).toHaveLength(11))
    expect(asked.slice(8)).toEqual(['now', 'soon', 'later'])
  })

  it('draws what was on its way only to be there early, once it is looked at', async () => {
    const waiting: (() => void)[] = []
    const changed = vi.fn()
    const images = new Images(changed, () => new Promise((done) => waiting.push(() => done(new Blob()))), async () => picture)
    images.warm('next')
    expect(images.get('next')).toBeNull()
    waiting[0]!()
    await vi.waitFor(() => expect(images.peek('next')).toBe(picture))
    expect(changed).toHaveBeenCalled()
    expect(waiting).toHaveLength(1)
  })

  it('remembers that a place has no picture, and does not ask again', async () => {
    let asked = 0
    const images = new Images(() => {}, async () => ((asked += 1), null), async () => picture)
    images.get('empty')
    await vi.waitFor(() => expect(images.get('empty')).toBe('empty'))
    expect(asked).toBe(1)
  })

  it('asks again a while after a failure, when it is drawn again', async () => {
    vi.useFakeTimers()
    let up = false
    const images = new Images(() => images.get('x'), async () => (up ? new Blob() : Promise.reject(new TypeError('offline'))), async () => picture)
    images.get('x')
    await vi.advanceTimersByTimeAsync(100)
    expect(images.peek('x')).toBeNull()
    up = true
    await vi.advanceTimersByTimeAsync(5_000)
    expect(images.peek('x')).toBe(picture)
  })
})
