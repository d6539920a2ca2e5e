// A map on which areas are drawn: the newest scene below, areas above, and an interaction that draws one polygon.
import Collection from 'ol/Collection.js'
import Feature from 'ol/Feature.js'
import GeoJSON from 'ol/format/GeoJSON.js'
import DoubleClickZoom from 'ol/interaction/DoubleClickZoom.js'
import DragPan from 'ol/interaction/DragPan.js'
import { defaults as interactions } from 'ol/interaction/defaults.js'
import Draw from 'ol/interaction/Draw.js'
import TileLayer from 'ol/layer/Tile.js'
import VectorLayer from 'ol/layer/Vector.js'
import OlMap from 'ol/Map.js'
import { transformExtent } from 'ol/proj.js'
import VectorSource from 'ol/source/Vector.js'
import Fill from 'ol/style/Fill.js'
import Stroke from 'ol/style/Stroke.js'
import Style from 'ol/style/Style.js'
import Text from 'ol/style/Text.js'
import View from 'ol/View.js'
import type { Scene } from '../../api'
import { sceneSource } from '../../scene-source'
import type { Geometry } from './geometry'

const DEGREES = { dataProjection: 'EPSG:4326', featureProjection: 'EPSG:3857' }
/** What lies over imagery looks the same in both themes. */
const LINES = ['#f0e442', '#56b4e9', '#d55e00']
const PAPER = '#12191a'

export interface Shown {
  name: string
  level: number
  geometry: Geometry
}

export class AreaMap {
  #map: OlMap
  #areas = new VectorSource()
  #draw: Draw | null = null

  constructor(target: HTMLElement, scene: Scene | undefined, readonly bounds: number[]) {
    const areas = new VectorLayer({ source: this.#areas, style: (feature) => styleOf(feature as Feature) })
    this.#map = new OlMap({
      target,
      layers: scene ? [new TileLayer({ source: sceneSource(scene) }), areas] : [areas],
      view: new View({ center: [0, 0], zoom: 2, maxZoom: 22, enableRotation: false }),
      controls: [],
      interactions: interactions({ altShiftDragRotate: false, pinchRotate: false }),
    })
    this.whole()
  }

  whole(): void {
    this.#map.getView().fit(transformExtent(this.bounds, 'EPSG:4326', 'EPSG:3857'), { padding: [24, 24, 24, 24] })
  }
  zoom(by: number): void {
    const view = this.#map.getView()
    view.animate({ zoom: (view.getZoom() ?? 2) + by, duration: 120 })
  }

  show(areas: Shown[]): void {
    const read = new GeoJSON(DEGREES)
    this.#areas.clear()
    for (const { name, level, geometry } of areas) {
      const feature = read.readFeature({ type: 'Feature', geometry, properties: { name, level } }) as Feature
      this.#areas.addFeature(feature)
    }
  }

  /** Lets one polygon be drawn, corner by corner; the last click on the first corner, or a double click, ends it. */
  draw(done: (geometry: Geometry) => void): void {
    this.stop()
    const drawn = new Collection<Feature>()
    this.#draw = new Draw({ type: 'Polygon', features: drawn, style: styleOf(new Feature({ level: 3 })) })
    this.#draw.on('drawend', (event) => {
      const geometry = new GeoJSON(DEGREES).writeGeometryObject(event.feature.getGeometry() as never, { ...DEGREES, decimals: 6 })
      // The interaction must not go while it still tells of its end.
      setTimeout(() => {
        this.stop()
        done(geometry as Geometry)
      })
    })
    this.#map.addInteraction(this.#draw)
    this.#hold(true)
  }
  stop(): void {
    if (this.#draw) this.#map.removeInteraction(this.#draw)
    this.#draw = null
    this.#hold(false)
  }

  /** While corners are set the map keeps still: a hand that shakes would move it instead. Wheel, keys and two fingers still do. */
  #hold(still: boolean): void {
    for (const one of this.#map.getInteractions().getArray()) if (one instanceof DragPan || one instanceof DoubleClickZoom) one.setActive(!still)
  }

  resize(): void {
    this.#map.updateSize()
  }
  dispose(): void {
    this.#map.setTarget(undefined)
    this.#map.dispose()
  }
}

function styleOf(feature: Feature): Style[] {
  const level = Number(feature.get('level') ?? 1)
  const colour = LINES[level - 1] ?? LINES[0]
  const text = feature.get('name') ? new Text({ text: `${feature.get('name')} · ${level}`, font: '600 13px system-ui, sans-serif', fill: new Fill({ color: PAPER }), backgroundFill: new Fill({ color: colour as string }), padding: [3, 5, 3, 5], overflow: true }) : undefined
  return [
    new Style({ stroke: new Stroke({ color: PAPER, width: 6 }) }),
    new Style({ stroke: new Stroke({ color: colour as string, width: 3 }), fill: new Fill({ color: `${colour}22` }), ...(text && { text }) }),
  ]
}
