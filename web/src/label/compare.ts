// The arithmetic of showing one tile in two scenes: web mercator, fitting, the slider, and which pair of frames to show.
import type { Lease } from '../api'

/** West, south, east, north. */
export type Box = [number, number, number, number]
export type Point = [number, number]

/** Half the width of the web mercator world in metres. */
const HALF_WORLD = Math.PI * 6378137
/** Share of the shorter side of the view that a tile fills; the rest shows what lies around it. */
const FILL = 0.8

/** Longitude and latitude (degrees) to web mercator (metres). */
export function mercator([lon, lat]: Point): Point {
  const angle = (Math.max(-85.0511, Math.min(85.0511, lat)) * Math.PI) / 180
  return [(lon / 180) * HALF_WORLD, (Math.log(Math.tan(Math.PI / 4 + angle / 2)) / Math.PI) * HALF_WORLD]
}

/** A box in degrees to one in metres. */
export function mercatorBox(box: readonly number[]): Box {
  const [west = 0, south = 0, east = 0, north = 0] = box
  return [...mercator([west, south]), ...mercator([east, north])]
}

/** Metres per pixel at which a box fills a view of this many pixels as far as it should. */
export function fittingResolution([west, south, east, north]: Box, width: number, height: number): number {
  const room = Math.max(1, Math.min(width, height) * FILL)
  return Math.max(east - west, north - south) / room
}

export function centreOf([west, south, east, north]: Box): Point {
  return [(west + east) / 2, (south + north) / 2]
}

/** What a view of this size shows around a centre. */
export function viewBox([x, y]: Point, resolution: number, width: number, height: number): Box {
  const [half_x, half_y] = [(width * resolution) / 2, (height * resolution) / 2]
  return [x - half_x, y - half_y, x + half_x, y + half_y]
}

/** Moves the slider (0 = all after, 1 = all before); it stays where it can be grasped. */
export function slide(position: number, by: number): number {
  return Math.min(0.98, Math.max(0.02, position + by))
}

/** Rings to draw for a tile, in metres: its footprint if it has one that can be read, else its square. */
export function ringsOf(tile: Lease['tile']): { square: Point[]; footprint: Point[][] } {
  const [west, south, east, north] = mercatorBox(tile.bbox)
  const square: Point[] = [[west, south], [east, south], [east, north], [west, north]]
  return { square, footprint: polygonRings(tile.footprint) }
}

function polygonRings(geometry: unknown): Point[][] {
  const { type, coordinates } = (geometry ?? {}) as { type?: string; coordinates?: unknown }
  const polygons = type === 'Polygon' ? [coordinates] : type === 'MultiPolygon' ? coordinates : []
  if (!Array.isArray(polygons)) return []
  return (polygons as Point[][][]).flat().map((ring) => ring.map(mercator))
}
