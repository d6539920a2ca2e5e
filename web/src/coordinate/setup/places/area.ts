// The area of a campaign as people write it: a box of four numbers, or GeoJSON. The server judges it; this only reads it and says what is missing.

export type Position = [number, number]
export type Area = { type: 'Polygon'; coordinates: Position[][] } | { type: 'MultiPolygon'; coordinates: Position[][][] }
export type AreaProblem = 'empty' | 'numbers' | 'order' | 'range' | 'json' | 'no_polygon'
export type AreaRead = { area: Area } | { problem: AreaProblem }

/** The rectangle between two corners. */
export function boxArea([west, south, east, north]: readonly [number, number, number, number]): Area {
  return { type: 'Polygon', coordinates: [[[west, south], [east, south], [east, north], [west, north], [west, south]]] }
}

/** Reads `west, south, east, north` in degrees, or GeoJSON: a geometry, a feature or a collection of them. */
export function readArea(text: string): AreaRead {
  const trimmed = text.trim()
  if (!trimmed) return { problem: 'empty' }
  return trimmed.startsWith('{') ? readGeoJson(trimmed) : readBox(trimmed)
}

function readBox(text: string): AreaRead {
  const numbers = text.split(/[\s,;]+/).filter(Boolean).map(Number)
  if (numbers.length !== 4 || numbers.some((number) => !Number.isFinite(number))) return { problem: 'numbers' }
  const [west, south, east, north] = numbers as [number, number, number, number]
  if (west >= east || south >= north) return { problem: 'order' }
  if (west < -180 || east > 180 || south < -90 || north > 90) return { problem: 'range' }
  return { area: boxArea([west, south, east, north]) }
}

function readGeoJson(text: string): AreaRead {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { problem: 'json' }
  }
  const polygons = polygonsOf(value)
  if (polygons.length === 0) return { problem: 'no_polygon' }
  if (!polygons.flat(2).every(onEarth)) return { problem: 'range' }
  const [first] = polygons
  return { area: polygons.length === 1 && first ? { type: 'Polygon', coordinates: first } : { type: 'MultiPolygon', coordinates: polygons } }
}

/** All polygons of a GeoJSON value, however they are wrapped. */
function polygonsOf(value: unknown, depth = 0): Position[][][] {
  if (typeof value !== 'object' || value === null || depth > 4) return []
  const { type, coordinates, geometry, geometries, features } = value as Record<string, unknown>
  if (type === 'Polygon' && Array.isArray(coordinates)) return [coordinates as Position[][]]
  if (type === 'MultiPolygon' && Array.isArray(coordinates)) return coordinates as Position[][][]
  if (type === 'Feature') return polygonsOf(geometry, depth + 1)
  const parts = type === 'FeatureCollection' ? features : type === 'GeometryCollection' ? geometries : []
  return Array.isArray(parts) ? parts.flatMap((part) => polygonsOf(part, depth + 1)) : []
}

function onEarth(position: unknown): boolean {
  if (!Array.isArray(position)) return false
  const [lon, lat] = position as unknown[]
  return typeof lon === 'number' && typeof lat === 'number' && Math.abs(lon) <= 180 && Math.abs(lat) <= 90
}

/** West, south, east, north of an area. */
export function boundsOf(area: Area): [number, number, number, number] {
  const rings = area.type === 'Polygon' ? area.coordinates : area.coordinates.flat()
  const [lons, lats] = [rings.flat().map(([lon]) => lon), rings.flat().map(([, lat]) => lat)]
  return [Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)]
}

const DIGITS = 6
const short = (number: number) => Number(number.toFixed(DIGITS))

/** How an area is shown in its text field: a plain box as four numbers, anything else as GeoJSON. */
export function writeArea(area: Area): string {
  const box = boundsOf(area)
  const ring = area.type === 'Polygon' && area.coordinates.length === 1 ? (area.coordinates[0] ?? []) : []
  const corners = ring.length === 5 && ring.every(([lon, lat]) => (lon === box[0] || lon === box[2]) && (lat === box[1] || lat === box[3]))
  if (corners && new Set(ring.map(String)).size === 4) return box.map(short).join(', ')
  return JSON.stringify(area, (_, value: unknown) => (typeof value === 'number' ? short(value) : value))
}
