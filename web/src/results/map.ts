// The map of the consensus: tiles coloured by class over a scene, on canvas, without WebGL.
import Feature, { type FeatureLike } from 'ol/Feature.js'
import OlMap from 'ol/Map.js'
import View from 'ol/View.js'
import GeoJSON from 'ol/format/GeoJSON.js'
import DoubleClickZoom from 'ol/interaction/DoubleClickZoom.js'
import DragPan from 'ol/interaction/DragPan.js'
import KeyboardPan from 'ol/interaction/KeyboardPan.js'
import KeyboardZoom from 'ol/interaction/KeyboardZoom.js'
import MouseWheelZoom from 'ol/interaction/MouseWheelZoom.js'
import PinchZoom from 'ol/interaction/PinchZoom.js'
import TileLayer from 'ol/layer/Tile.js'
import VectorLayer from 'ol/layer/Vector.js'
import VectorSource from 'ol/source/Vector.js'
import Fill from 'ol/style/Fill.js'
import Stroke from 'ol/style/Stroke.js'
import Style from 'ol/style/Style.js'
import type { Scene } from '../api'
import { sceneSource } from '../scene-source'
import { readTile, type Tile } from './tiles'

export interface Look {
  /** Fill of a tile, or null where it is not to be shown. */
  colourOf(tile: Tile): string | null
  /** 0 to 1. */
  opacity: number
  picked: string | null
  /** Small shapes are told apart by their edge, cells of a grid by their fill. */
  edges: boolean
}

export class ResultsMap {
  #map: OlMap
  #scene = new TileLayer()
  #source = new VectorSource()
  #tiles: VectorLayer
  #look: Look = { colourOf: () => null, opacity: 0.6, picked: null, edges: false }

  constructor(target: HTMLElement, geojson: unknown, onpick: (id: string | null) => void) {
    const features = new GeoJSON().readFeatures(geojson, { dataProjection: 'EPSG:4326', featureProjection: 'EPSG:3857' })
    this.#source.addFeatures(features as Feature[])
    this.#tiles = new VectorLayer({ source: this.#source, style: (feature) => this.#style(feature) })
    this.#map = new OlMap({
      target,
      layers: [this.#scene, this.#tiles],
      view: new View({ center: [0, 0], zoom: 2, enableRotation: false }),
      controls: [],
      interactions: [new DragPan(), new MouseWheelZoom(), new PinchZoom(), new DoubleClickZoom(), new KeyboardPan(), new KeyboardZoom()],
    })
    this.#map.on('click', (event) => {
      const hit = this.#map.getFeaturesAtPixel(event.pixel, { hitTolerance: 3 })[0]
      onpick(hit ? String(hit.get('tile_id')) : null)
    })
    this.#map.once('change:size', () => this.whole())
    this.whole()
  }

  whole(): void {
    const extent = this.#source.getExtent()
    if (!extent || this.#source.isEmpty() || !this.#map.getSize()) return
    this.#map.getView().fit(extent, { padding: [24, 24, 24, 24], maxZoom: 19 })
  }

  zoom(levels: number): void {
    const view = this.#map.getView()
    view.setZoom((view.getZoom() ?? 2) + levels)
  }

  setScene(scene: Scene | undefined): void {
    this.#scene.setSource(scene ? sceneSource(scene) : null)
  }

  setLook(look: Look): void {
    this.#look = look
    this.#tiles.changed()
  }

  dispose(): void {
    this.#map.setTarget(undefined)
    this.#map.dispose()
  }

  #style(feature: FeatureLike): Style[] {
    const tile = readTile(feature.getProperties() as Partial<Tile>)
    const colour = this.#look.colourOf(tile)
    const picked = tile.tile_id === this.#look.picked
    if (!colour && !picked) return []
    const alpha = Math.round(this.#look.opacity * 255).toString(16).padStart(2, '0')
    const base = new Style({
      fill: new Fill({ color: colour ? colour + alpha : 'rgba(0, 0, 0, 0.01)' }),
      stroke: new Stroke(colour && this.#look.edges ? { color: colour, width: 2 } : { color: 'rgba(12, 18, 20, 0.55)', width: 1 }),
    })
    return picked ? [base, ...PICKED] : [base]
  }
}

const PICKED = [
  new Style({ stroke: new Stroke({ color: '#0c1214', width: 6 }), zIndex: 2 }),
  new Style({ stroke: new Stroke({ color: '#fff7e0', width: 3 }), zIndex: 3 }),
]
