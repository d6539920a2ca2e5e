import { describe, expect, it } from 'vitest'
import type { Scene } from '../../api'
import { boxOf, resolutionAt, urlOf } from './grid'
import { Images } from './images'
import { Mosaic } from './mosaic'

const cells = [0, 1].flatMap((y) => [0, 1].map((x) => ({ z: 15, x: 19_706 + x, y: 12_925 + y })))
const [middleX, middleY] = [boxOf(cells[0]!)[2], boxOf(cells[0]!)[1]]
const degrees = (x: number, y: number) => [(x / 6_378_137) * (180 / Math.PI), (Math.atan(Math.sinh(y / 6_378_137)) * 180) / Math.PI]
const [west, , , north] = boxOf(cells[0]!)
const [, south, east] = boxOf(cells[3]!)
const inside = 1e-3
const bounds = [...degrees(west + inside, south + inside), ...degrees(east - inside, north - inside)]
const scene = { id: 'scene', min_zoom: 12, max_zoom: 15, bounds } as unknown as Scene

/** A canvas that only remembers what was drawn on it. */
function canvas() {
  const drawn: unknown[][] = []
  const context = { save() {}, restore() {}, beginPath() {}, rect() {}, clip() {}, globalAlpha: 1, drawImage: (...all: unknown[]) => drawn.push(all) }
  return { drawn, context: context as unknown as CanvasRenderingContext2D, width: 0, height: 0, getContext: () => context }
}

async function withImages(urls: string[], side = 256) {
  const picture = { width: side, height: side, close() {} } as ImageBitmap
  const images = new Images(() => {}, (url) => Promise.resolve(urls.includes(url) ? new Blob() : null), () => Promise.resolve(picture))
  for (const url of urls) images.want(url)
  await new Promise((done) => setTimeout(done))
  return { images, picture }
}

function draw(images: Images, magnified: number) {
  const [view, sheet] = [canvas(), canvas()]
  const rect = { left: 0, top: 0, width: 300, height: 300 }
  const camera = { x: middleX, y: middleY, resolution: resolutionAt(15) / magnified }
  const whole = new Mosaic(images, () => sheet as unknown as HTMLCanvasElement).draw(view.context, { scene, rect, clip: rect, alpha: 1 }, camera, 1)
  return { view, sheet, whole }
}

describe('the mosaic of image tiles', () => {
  it('puts tiles together pixel by pixel before it enlarges them, so that no seam shows between them', async () => {
    const { images, picture } = await withImages(cells.map((cell) => urlOf(scene, cell)))
    const { view, sheet, whole } = draw(images, 3)
    expect(whole).toBe(true)
    expect([sheet.width, sheet.height]).toEqual([512, 512])
    expect(sheet.drawn).toHaveLength(4)
    expect(sheet.drawn).toContainEqual([picture, 256, 0, 256, 256])
    expect(sheet.drawn).toContainEqual([picture, 0, 256, 256, 256])
    // One picture of twice 256 pixels, three times as large, its middle in the middle of the view.
    expect(view.drawn).toEqual([[expect.anything(), 150 - 768, 150 - 768, 1_536, 1_536]])
  })

  it('keeps all pixels of ready tiles that have more of them', async () => {
    const { images } = await withImages(cells.map((cell) => urlOf(scene, cell)), 512)
    expect(draw(images, 1.5).view.drawn).toHaveLength(4)
    expect(draw(images, 3).sheet.width).toBe(1_024)
  })

  it('draws tiles at once where nothing is enlarged, side by side to the pixel', async () => {
    const { images, picture } = await withImages(cells.map((cell) => urlOf(scene, cell)))
    const { view, sheet } = draw(images, 1)
    expect(sheet.drawn).toEqual([])
    expect(view.drawn).toContainEqual([picture, 150 - 256, 150 - 256, 256, 256])
    expect(view.drawn).toContainEqual([picture, 150, 150, 256, 256])
  })

  it('shows the part of a coarser image until the fine one has come, and says that it waits', async () => {
    const parent = { z: 14, x: 9_853, y: 6_462 }
    const { images, picture } = await withImages([urlOf(scene, parent)])
    const { sheet, whole } = draw(images, 3)
    expect(whole).toBe(false)
    expect(sheet.drawn).toContainEqual([picture, 0, 128, 128, 128, 0, 0, 256, 256])
  })
})
