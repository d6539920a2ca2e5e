// The downloads of a campaign, as the panel lists them.
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
  { file: 'scenes.csv', name: 'results.scenes_csv', plain: true },
  { file: 'labels.csv', name: 'results.labels_csv', plain: true, researchers: true },
]
