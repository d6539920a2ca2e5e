// Outlines that a coordinator draws or writes, as GeoJSON in degrees.

export type Geometry = { type: 'Polygon'; coordinates: number[][][] } | { type: 'MultiPolygon'; coordinates: number[][][][] }

/** The geometries of a GeoJSON text: a geometry, a feature, or a collection of features. `null` where there is none. */
export function readGeometry(text: string): Geometry | null {
  try {
    const polygons = polygonsOf(JSON.parse(text))
    if (polygons.length === 0) return null
    return polygons.length === 1 ? { type: 'Polygon', coordinates: polygons[0] as number[][][] } : { type: 'MultiPolygon', coordinates: polygons }
  } catch {
    return null
  }
}

function polygonsOf(json: unknown): number[][][][] {
  const { type, coordinates, geometry, features } = (json ?? {}) as { type?: string; coordinates?: unknown; geometry?: unknown; features?: unknown[] }
  if (type === 'FeatureCollection') return (features ?? []).flatMap(polygonsOf)
  if (type === 'Feature') return polygonsOf(geometry)
  const found = type === 'Polygon' ? [coordinates] : type === 'MultiPolygon' ? (coordinates as unknown[]) : []
  return found.filter(isPolygon)
}

function isPolygon(rings: unknown): rings is number[][][] {
  const isPlace = (place: unknown) => Array.isArray(place) && place.length >= 2 && place.every((number) => typeof number === 'number' && Number.isFinite(number))
  return Array.isArray(rings) && rings.length > 0 && rings.every((ring) => Array.isArray(ring) && ring.length >= 4 && ring.every(isPlace))
}

/** The rectangle between two corners, for those who write edges instead of drawing. */
export function rectangle(west: number, south: number, east: number, north: number): Geometry | null {
  if (![west, south, east, north].every(Number.isFinite) || west >= east || south >= north) return null
  return { type: 'Polygon', coordinates: [[[west, south], [east, south], [east, north], [west, north], [west, south]]] }
}
