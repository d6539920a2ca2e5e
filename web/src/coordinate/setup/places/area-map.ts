// A map on which the area of a campaign is drawn: the scenes below, the area above, drawn anew as a box or a polygon or moved by its corners.
import OlMap from 'ol/Map.js'
import View from 'ol/View.js'
import Feature from 'ol/Feature.js'
import GeoJSON from 'ol/format/GeoJSON.js'
import MultiPolygon from 'ol/geom/MultiPolygon.js'
import Polygon, { fromExtent } from 'ol/geom/Polygon.js'
import type Geometry from 'ol/geom/Geometry.js'
import DoubleClickZoom from 'ol/interaction/DoubleClickZoom.js'
import DragBox from 'ol/interaction/DragBox.js'
import DragPan from 'ol/interaction/DragPan.js'
import Draw, { createBox } from 'ol/interaction/Draw.js'
import KeyboardPan from 'ol/interaction/KeyboardPan.js'
import KeyboardZoom from 'ol/interaction/KeyboardZoom.js'
import Modify from 'ol/interaction/Modify.js'
import MouseWheelZoom from 'ol/interaction/MouseWheelZoom.js'
import PinchZoom from 'ol/interaction/PinchZoom.js'
import TileLayer from 'ol/layer/Tile.js'
import VectorLayer from 'ol/layer/Vector.js'
import VectorSource from 'ol/source/Vector.js'
import CircleStyle from 'ol/style/Circle.js'
import Fill from 'ol/style/Fill.js'
import Stroke from 'ol/style/Stroke.js'
import Style from 'ol/style/Style.js'
import { toLonLat, transformExtent } from 'ol/proj.js'
import type { Scene } from '../../../api'
import { sceneSource } from '../../../scene-source'
import { boxArea, type Area } from './area'

const [DEGREES, METRES] = ['EPSG:4326', 'EPSG:3857']
const WORLD = [-170, -60, 170, 75]
const DEEPEST = 22
const format = new GeoJSON({ dataProjection: DEGREES, featureProjection: METRES })

const line = (color: string, width: number, lineDash: number[] = []) => new Stroke({ color, width, lineDash })
const AREA = [
  new Style({ stroke: line('#0c1214', 5), fill: new Fill({ color: 'rgb(255 209 102 / 0.14)' }) }),
  new Style({ stroke: line('#ffd166', 2.5) }),
]
const EDGE = [new Style({ stroke: line('#0c1214', 4) }), new Style({ stroke: line('#f7f4ec', 1.5, [6, 5]) })]
const TILE = [new Style({ stroke: line('rgb(12 18 20 / 0.7)', 3) }), new Style({ stroke: line('#8fe3ef', 1.25) })]
const PEN = new Style({ stroke: line('#ffd166', 2.5, [4, 4]), fill: new Fill({ color: 'rgb(255 209 102 / 0.2)' }), image: new CircleStyle({ radius: 7, fill: new Fill({ color: '#ffd166' }), stroke: line('#0c1214', 2) }) })

export type Tool = 'box' | 'polygon' | null

export class AreaMap {
  #map: OlMap
  #scene = new TileLayer()
  #edges = new VectorSource()
  #tiles = new VectorSource()
  #area = new VectorSource()
  #modify = new Modify({ source: this.#area, style: PEN, pixelTolerance: 14 })
  #draw: Draw | null = null
  #pan = new DragPan()
  /** A box is also drawn by dragging; two taps stay possible, so both hear of the pointer. */
  #drag = new DragBox({ condition: () => true })

  /** `onarea` is told of every area that was drawn or moved, `onpick` of the ground that was tapped while nothing is drawn. */
  constructor(target: HTMLElement, readonly onarea: (area: Area) => void, readonly onpick: (lon: number, lat: number) => void) {
    this.#map = new OlMap({
      target,
      layers: [
        this.#scene,
        new VectorLayer({ source: this.#edges, style: EDGE }),
        new VectorLayer({ source: this.#tiles, style: TILE }),
        new VectorLayer({ source: this.#area, style: AREA }),
      ],
      view: new View({ center: [0, 0], zoom: 1, maxZoom: DEEPEST, enableRotation: false }),
      controls: [],
      interactions: [this.#pan, new MouseWheelZoom(), new PinchZoom(), new DoubleClickZoom(), new KeyboardPan(), new KeyboardZoom(), this.#modify, this.#drag],
    })
    this.#modify.on('modifyend', () => this.#tell(this.#area.getFeatures()[0]?.getGeometry()))
    this.#drag.setActive(false)
    this.#drag.on('boxend', () => {
      const box = this.#drag.getGeometry().clone()
      this.#draw?.abortDrawing()
      this.#area.clear()
      this.#area.addFeature(new Feature(box))
      this.#tell(box)
    })
    this.#map.on('singleclick', ({ coordinate }) => {
      if (this.#draw) return
      const [lon = 0, lat = 0] = toLonLat(coordinate)
      this.onpick(lon, lat)
    })
  }

  /** The picture below, and the edges of all of them. */
  show(picture: Scene | undefined, all: Scene[]): void {
    this.#scene.setSource(picture ? sceneSource(picture) : null)
    this.#edges.clear()
    this.#edges.addFeatures(all.map((scene) => new Feature(fromExtent(transformExtent(scene.bounds, DEGREES, METRES)))))
  }
  /** Boxes of the tiles that would be labelled here, in degrees. */
  showTiles(boxes: number[][]): void {
    this.#tiles.clear()
    this.#tiles.addFeatures(boxes.map((box) => new Feature(fromExtent(transformExtent(box, DEGREES, METRES)))))
  }
  setArea(area: Area | null): void {
    this.#area.clear()
    if (area) this.#area.addFeature(new Feature(format.readGeometry(area) ?? undefined))
  }
  fit(bounds: readonly number[] = WORLD): void {
    this.#map.updateSize()
    if (this.#map.getSize()) this.#map.getView().fit(transformExtent([...bounds], DEGREES, METRES), { padding: [24, 24, 24, 24], maxZoom: 19 })
  }
  zoom(levels: number): void {
    const view = this.#map.getView()
    view.setZoom((view.getZoom() ?? 1) + levels)
  }
  resize(): void {
    this.#map.updateSize()
  }
  /** What the window shows becomes the area: the way without a pointer. */
  takeView(): void {
    const [west = 0, south = 0, east = 0, north = 0] = transformExtent(this.#map.getView().calculateExtent(this.#map.getSize()), METRES, DEGREES)
    const area = boxArea([west, south, east, north])
    this.setArea(area)
    this.onarea(area)
  }

  /** Takes a pen in hand or puts it away. */
  set tool(tool: Tool) {
    if (this.#draw) this.#map.removeInteraction(this.#draw)
    this.#draw = tool ? new Draw({ source: this.#area, type: tool === 'box' ? 'Circle' : 'Polygon', style: PEN, ...(tool === 'box' && { geometryFunction: createBox() }) }) : null
    this.#modify.setActive(!tool)
    this.#drag.setActive(tool === 'box')
    // While corners are set the map keeps still: a hand that shakes would move it instead. Wheel, keys and two fingers still do.
    this.#pan.setActive(!tool)
    if (!this.#draw) return
    this.#draw.on('drawstart', () => this.#area.clear())
    this.#draw.on('drawend', ({ feature }) => this.#tell(feature.getGeometry()))
    this.#map.addInteraction(this.#draw)
  }

  dispose(): void {
    this.#map.setTarget(undefined)
    this.#map.dispose()
  }

  #tell(geometry: Geometry | undefined): void {
    if (!(geometry instanceof Polygon || geometry instanceof MultiPolygon)) return
    this.onarea(format.writeGeometryObject(geometry, { decimals: 7, rightHanded: true }) as Area)
  }
}
