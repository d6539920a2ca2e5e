// The arithmetic of image tiles: which of them a view needs, and where each lies. Web mercator, 256 px.
import type { Scene } from '../../api'
import { mercatorBox, type Box } from '../compare'

const HALF_WORLD = Math.PI * 6378137
/** Pixels along a side of an image tile, as its level counts them. */
export const TILE = 256

export interface Cell {
  z: number
  x: number
  y: number
}

const spanAt = (z: number) => (2 * HALF_WORLD) / 2 ** z

/** Metres per pixel of a zoom level. */
export const resolutionAt = (z: number): number => spanAt(z) / TILE

/** The level of a scene that is at least as fine as the view, as far as the scene has one. */
export function levelFor(scene: Pick<Scene, 'min_zoom' | 'max_zoom'>, resolution: number): number {
  // A fifth of a level coarser is not seen and spares three quarters of the images.
  const wanted = Math.ceil(Math.log2(resolutionAt(0) / resolution) - 0.2)
  return Math.max(scene.min_zoom, Math.min(scene.max_zoom, wanted))
}

/** Ground of a tile in metres. */
export function boxOf({ z, x, y }: Cell): Box {
  const span = spanAt(z)
  return [x * span - HALF_WORLD, HALF_WORLD - (y + 1) * span, (x + 1) * span - HALF_WORLD, HALF_WORLD - y * span]
}

/** Tiles of a level that a box (metres) touches, inside the scene's bounds, nearest to the middle first. */
export function cellsIn(scene: Pick<Scene, 'bounds'>, box: Box, z: number): Cell[] {
  const bounds = mercatorBox(scene.bounds)
  const [west, south] = [Math.max(box[0], bounds[0]), Math.max(box[1], bounds[1])]
  const [east, north] = [Math.min(box[2], bounds[2]), Math.min(box[3], bounds[3])]
  if (west >= east || south >= north) return []
  const span = spanAt(z)
  const last = 2 ** z - 1
  const place = (metres: number) => Math.max(0, Math.min(last, Math.floor(metres / span)))
  const cells: Cell[] = []
  for (let y = place(HALF_WORLD - north); y <= place(HALF_WORLD - south); y += 1) {
    for (let x = place(west + HALF_WORLD); x <= place(east + HALF_WORLD); x += 1) cells.push({ z, x, y })
  }
  const [middleX, middleY] = [((box[0] + box[2]) / 2 + HALF_WORLD) / span - 0.5, (HALF_WORLD - (box[1] + box[3]) / 2) / span - 0.5]
  const far = (cell: Cell) => (cell.x - middleX) ** 2 + (cell.y - middleY) ** 2
  return cells.sort((a, b) => far(a) - far(b))
}

/** The tile one level up, and which part of it (pixels of its 256) covers this one. */
export function parentOf({ z, x, y }: Cell, levels: number): { cell: Cell; left: number; top: number; size: number } {
  const scale = 2 ** levels
  const size = TILE / scale
  return { cell: { z: z - levels, x: Math.floor(x / scale), y: Math.floor(y / scale) }, left: (x % scale) * size, top: (y % scale) * size, size }
}

export const urlOf = (scene: Pick<Scene, 'id'>, { z, x, y }: Cell): string => `/tiles/${encodeURIComponent(scene.id)}/${z}/${x}/${y}`
