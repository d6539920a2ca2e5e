// The downloads of a campaign, as the panel lists them: the map for each kind of tool, what explains it, and what researchers get besides.
import type { Key } from '../i18n'

interface File {
  file: string
  name: Key
  /** Not cut by the filter. */
  plain?: boolean
  /** For researchers only. */
  researchers?: boolean
}

export const FILES: File[] = [
  { file: 'tiles.csv', name: 'results.tiles_csv' },
  { file: 'tiles.geojson', name: 'results.tiles_geojson' },
  { file: 'tiles.gpkg', name: 'results.tiles_gpkg' },
  { file: 'tiles.fgb', name: 'results.tiles_fgb' },
  { file: 'tiles.parquet', name: 'results.tiles_parquet' },
  { file: 'tiles.tif', name: 'results.tiles_tif' },
  { file: 'tiles.geojsons', name: 'results.tiles_geojsons' },
  { file: 'method.md', name: 'results.method_md' },
  { file: 'codebook.csv', name: 'results.codebook_csv' },
  { file: 'manifest.json', name: 'results.manifest_json' },
  { file: 'scenes.csv', name: 'results.scenes_csv', plain: true },
  { file: 'labels.csv', name: 'results.labels_csv', plain: true, researchers: true },
  { file: 'volunteers.csv', name: 'results.volunteers_csv', plain: true, researchers: true },
  { file: 'history.csv', name: 'results.history_csv', plain: true, researchers: true },
]
