// Where one looks and how closely; moving and zooming as plain arithmetic.
import { centreOf, fittingResolution, viewBox, type Box } from '../compare'

export interface Camera {
  /** Centre in web mercator metres. */
  x: number
  y: number
  /** Metres per CSS pixel. */
  resolution: number
}
export interface Rect {
  left: number
  top: number
  width: number
  height: number
}
/** Finest and coarsest resolution. */
export type Limits = readonly [number, number]

export const fit = (box: Box, { width, height }: Rect): Camera => {
  const [x, y] = centreOf(box)
  return { x, y, resolution: fittingResolution(box, width, height) }
}

export const seen = ({ x, y, resolution }: Camera, { width, height }: Rect): Box => viewBox([x, y], resolution, width, height)

/** Moves the ground with the finger: by pixels to the right and down. */
export const drag = (camera: Camera, right: number, down: number): Camera => ({
  ...camera,
  x: camera.x - right * camera.resolution,
  y: camera.y + down * camera.resolution,
})

/** Zooms by a factor (above 1: closer) while the ground under a point stays; the point counts from the middle of the view. */
export function zoom(camera: Camera, factor: number, right: number, down: number, [finest, coarsest]: Limits): Camera {
  const resolution = Math.max(finest, Math.min(coarsest, camera.resolution / factor))
  const change = camera.resolution - resolution
  return { x: camera.x + right * change, y: camera.y - down * change, resolution }
}

/** A round length for a scale bar of at most `most` pixels: 1, 2 or 5 times a power of ten, in metres of ground. */
export function scaleBar(resolution: number, latitude: number, most: number): { metres: number; pixels: number } {
  const ground = resolution * Math.cos((latitude * Math.PI) / 180)
  const room = ground * most
  const power = 10 ** Math.floor(Math.log10(room))
  const metres = [5, 2, 1].map((step) => step * power).find((length) => length <= room) ?? power
  return { metres, pixels: metres / ground }
}
