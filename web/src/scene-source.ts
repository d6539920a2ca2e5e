// A scene's image tiles as an OpenLayers source: only the zoom levels and the ground that the scene has.
import XYZ from 'ol/source/XYZ.js'
import TileGrid from 'ol/tilegrid/TileGrid.js'
import { tileUrl, type Scene } from './api'
import { mercatorBox } from './label/compare'

const HALF_WORLD = Math.PI * 6378137
const TILE = 256

export function sceneSource(scene: Scene): XYZ {
  const resolutions = Array.from({ length: scene.max_zoom + 1 }, (_, zoom) => (2 * HALF_WORLD) / TILE / 2 ** zoom)
  const tileGrid = new TileGrid({
    origin: [-HALF_WORLD, HALF_WORLD],
    extent: mercatorBox(scene.bounds),
    minZoom: scene.min_zoom,
    resolutions,
    tileSize: TILE,
  })
  return new XYZ({ url: tileUrl(scene.id), tileGrid, projection: 'EPSG:3857', transition: 0, wrapX: false })
}
