// Lays the image tiles of a scene under a view. Where their pixels are drawn larger than they are, the tiles are first put
// together pixel by pixel: enlarged one by one, each would be smoothed against its own border, and seams would show.
import type { Scene } from '../../api'
import type { Box } from '../compare'
import { seen, type Camera, type Rect } from './camera'
import { boxOf, cellsIn, levelFor, parentOf, TILE, urlOf, type Cell } from './grid'
import type { Images } from './images'

/** A scene and where it is drawn: the rectangle of the view, and how much of it shows (CSS pixels). */
export interface Pane {
  scene: Scene
  rect: Rect
  clip: Rect
  alpha: number
}
/** Where ground (metres) lies on a canvas, in its pixels: left, top, width, height. */
type Place = (ground: Box) => [number, number, number, number]
type Context = Pick<CanvasRenderingContext2D, 'save' | 'restore' | 'beginPath' | 'rect' | 'clip' | 'globalAlpha' | 'drawImage'>

export class Mosaic {
  #sheet: HTMLCanvasElement | null = null

  constructor(
    readonly images: Images,
    readonly makeSheet: () => HTMLCanvasElement = () => document.createElement('canvas'),
  ) {}

  /** Draws a pane with the images that are fine enough for `level` (metres per pixel), and says whether all of them had come. */
  draw(context: Context, { scene, rect, clip, alpha }: Pane, camera: Camera, ratio: number, level = camera.resolution): boolean {
    const ground = seen(camera, rect)
    const cells = cellsIn(scene, ground, levelFor(scene, level))
    const toX = (metres: number) => Math.round((rect.left + (metres - ground[0]) / camera.resolution) * ratio)
    const toY = (metres: number) => Math.round((rect.top + (ground[3] - metres) / camera.resolution) * ratio)
    const onView: Place = ([west, south, east, north]) => [toX(west), toY(north), toX(east) - toX(west), toY(south) - toY(north)]
    context.save()
    context.beginPath()
    context.rect(clip.left * ratio, clip.top * ratio, clip.width * ratio, clip.height * ratio)
    context.clip()
    context.globalAlpha = alpha
    const side = this.#sideOf(scene, cells)
    const enlarged = cells.length > 1 && onView(boxOf(cells[0]!))[2] > side
    const complete = enlarged ? this.#layEnlarged(context, scene, cells, side, onView) : this.#lay(context, scene, cells, onView)
    context.restore()
    return complete
  }

  /** Pixels along a side of these images: ready tiles may have more of them than ours. */
  #sideOf(scene: Scene, cells: Cell[]): number {
    const images = cells.map((cell) => this.images.peek(urlOf(scene, cell)))
    return Math.max(TILE, ...images.map((image) => (image && image !== 'empty' ? image.width : 0)))
  }

  #layEnlarged(context: Context, scene: Scene, cells: Cell[], side: number, onView: Place): boolean {
    const [columns, rows] = [cells.map(({ x }) => x), cells.map(({ y }) => y)]
    const first: Cell = { z: cells[0]!.z, x: Math.min(...columns), y: Math.min(...rows) }
    const last: Cell = { z: first.z, x: Math.max(...columns), y: Math.max(...rows) }
    const [west, , , north] = boxOf(first)
    const [, south, east] = boxOf(last)
    const sheet = (this.#sheet ??= this.makeSheet())
    // Setting the size clears it, too.
    ;[sheet.width, sheet.height] = [(last.x - first.x + 1) * side, (last.y - first.y + 1) * side]
    const onto = sheet.getContext('2d')
    if (!onto) return this.#lay(context, scene, cells, onView)
    const metres = (east - west) / sheet.width
    const pixels = (length: number) => Math.round(length / metres)
    const complete = this.#lay(onto, scene, cells, (box) => [pixels(box[0] - west), pixels(north - box[3]), side, side])
    context.drawImage(sheet, ...onView([west, south, east, north]))
    return complete
  }

  #lay(context: Context, scene: Scene, cells: Cell[], place: Place): boolean {
    let complete = true
    for (const cell of cells) {
      const image = this.images.get(urlOf(scene, cell))
      if (image === 'empty') continue
      if (image) context.drawImage(image, ...place(boxOf(cell)))
      else {
        complete = false
        this.#layCoarser(context, scene, cell, place)
      }
    }
    return complete
  }

  /** Until an image has come, the part of a coarser one that is here already. */
  #layCoarser(context: Context, scene: Scene, cell: Cell, place: Place): void {
    for (let levels = 1; cell.z - levels >= scene.min_zoom; levels += 1) {
      const { cell: parent, left, top, size } = parentOf(cell, levels)
      const image = this.images.peek(urlOf(scene, parent))
      if (!image || image === 'empty') continue
      const own = image.width / TILE
      context.drawImage(image, left * own, top * own, size * own, size * own, ...place(boxOf(cell)))
      return
    }
  }
}
