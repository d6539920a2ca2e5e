// The tiles of the damage map as the page reads them, and which of them a reader wants to see.

/** Properties of one feature of tiles.geojson; null where they may not be seen yet. */
export interface Tile {
  tile_id: string
  state: string
  class: string | null
  probability: number | null
  damaged_probability: number | null
  labels: number | null
  agreement: number | null
  effective_redundancy: number | null
  date_before: string | null
  date_after: string | null
}

export interface Filter {
  /** Class keys to show. */
  classes: Set<string>
  /** Show tiles that have no class yet. */
  undecided: boolean
  /** Least probability (0 to 1) of the class. */
  minProbability: number
}

/** Reads the tiles out of a GeoJSON document; what is no tile is left out. */
export function tilesOf(geojson: unknown): Tile[] {
  const { features } = (geojson ?? {}) as { features?: { properties?: Partial<Tile> | null }[] }
  if (!Array.isArray(features)) return []
  return features.flatMap(({ properties }) => (properties?.tile_id ? [readTile(properties)] : []))
}

/** Reads one tile out of the properties of its feature. */
export function readTile(from: Partial<Tile>): Tile {
  return {
    tile_id: String(from.tile_id),
    state: from.state ?? 'open',
    // A researcher is told where an open tile stands after a label or two; that is no finding yet.
    class: from.state === 'open' ? null : (from.class ?? null),
    probability: from.probability ?? null,
    damaged_probability: from.damaged_probability ?? null,
    labels: from.labels ?? null,
    agreement: from.agreement ?? null,
    effective_redundancy: from.effective_redundancy ?? null,
    date_before: from.date_before ?? null,
    date_after: from.date_after ?? null,
  }
}

/** Whether a tile passes the filter. A class without a probability passes only when none is asked for. */
export function passes(tile: Tile, filter: Filter): boolean {
  if (!tile.class) return filter.undecided
  return filter.classes.has(tile.class) && (tile.probability ?? 0) >= filter.minProbability
}

/** How many tiles have each class; `''` counts those without one. */
export function countByClass(tiles: Tile[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const tile of tiles) counts.set(tile.class ?? '', (counts.get(tile.class ?? '') ?? 0) + 1)
  return counts
}
