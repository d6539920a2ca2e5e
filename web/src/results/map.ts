// The damage map over the scenes: vector tiles on canvas, without WebGL. It loads what the window shows and nothing else.
import OlMap from 'ol/Map.js'
import View from 'ol/View.js'
import type { FeatureLike } from 'ol/Feature.js'
import MVT from 'ol/format/MVT.js'
import DoubleClickZoom from 'ol/interaction/DoubleClickZoom.js'
import DragPan from 'ol/interaction/DragPan.js'
import KeyboardPan from 'ol/interaction/KeyboardPan.js'
import KeyboardZoom from 'ol/interaction/KeyboardZoom.js'
import MouseWheelZoom from 'ol/interaction/MouseWheelZoom.js'
import PinchZoom from 'ol/interaction/PinchZoom.js'
import TileLayer from 'ol/layer/Tile.js'
import VectorTileLayer from 'ol/layer/VectorTile.js'
import { getRenderPixel } from 'ol/render.js'
import type RenderEvent from 'ol/render/Event.js'
import VectorTileSource from 'ol/source/VectorTile.js'
import Fill from 'ol/style/Fill.js'
import Stroke from 'ol/style/Stroke.js'
import Style from 'ol/style/Style.js'
import type VectorTile from 'ol/VectorTile.js'
import { fromLonLat, toLonLat, transformExtent } from 'ol/proj.js'
import { createXYZ } from 'ol/tilegrid.js'
import { ApiError, fetchMapTile, type Scene } from '../api'
import { sceneSource } from '../scene-source'
import { paintSquare, paintTile, withAlpha, type Painted, type Properties, type Scheme } from './paint'
import { hatched } from './pattern'
import type { Place } from './question'

export interface Look {
  scheme: Scheme
  /** 0 to 1. */
  strength: number
  patterns: boolean
  picked: string | null
  /** Small shapes are told apart by their edge, cells of a grid by their fill. */
  outlined: boolean
}
export interface Hooks {
  onpick(tile: string | null): void
  onmove(place: Place, seen: number[]): void
  /** Whether everything in view has been drawn. */
  ondrawn(drawn: boolean): void
}

const DEEPEST = 22
const INK = '#12191a'
const DEGREES = 'EPSG:4326'

export class ResultsMap {
  #map: OlMap
  #scene = new TileLayer({ className: 'layer-scene' })
  #earlier = new TileLayer({ className: 'layer-earlier', visible: false })
  #tiles: VectorTileLayer
  #look: Look | null = null
  #border = 0.5
  #asked: string | null = null

  constructor(target: HTMLElement, readonly slug: string, readonly bounds: number[], readonly hooks: Hooks, place: Place | null) {
    this.#tiles = new VectorTileLayer({ className: 'layer-tiles', renderMode: 'vector', style: (feature) => this.#style(feature), declutter: false, renderBuffer: 32 })
    this.#map = new OlMap({
      target,
      layers: [this.#scene, this.#earlier, this.#tiles],
      view: new View({ center: [0, 0], zoom: 2, minZoom: 1, maxZoom: DEEPEST, enableRotation: false }),
      controls: [],
      interactions: [new DragPan(), new MouseWheelZoom(), new PinchZoom(), new DoubleClickZoom(), new KeyboardPan(), new KeyboardZoom()],
    })
    this.#earlier.on('prerender', (event) => this.#clip(event))
    this.#earlier.on('postrender', (event) => (event.context as CanvasRenderingContext2D).restore())
    this.#map.on('click', (event) => this.#pick(event.pixel, 3))
    this.#map.on('moveend', () => this.#moved())
    this.#map.on('loadstart', () => this.hooks.ondrawn(false))
    this.#map.on('rendercomplete', () => this.hooks.ondrawn(true))
    const go = () => (place ? this.go(place) : this.whole())
    this.#map.once('change:size', go)
    if (this.#map.getSize()) go()
  }

  /** Asks for tiles under another filter; `words` is what stands in the address. */
  ask(words: string): void {
    if (this.#asked === words) return
    this.#asked = words
    this.#tiles.setSource(
      new VectorTileSource({
        format: new MVT({ layers: ['tiles', 'squares'] }),
        tileGrid: createXYZ({ maxZoom: DEEPEST, tileSize: 512 }),
        url: `/api/v1/campaigns/${encodeURIComponent(this.slug)}/map/{z}/{x}/{y}.mvt${words ? `?${words}` : ''}`,
        tileLoadFunction: (tile, url) => load(tile as VectorTile<FeatureLike & never>, url),
        wrapX: false,
        transition: 0,
      }),
    )
  }

  setScenes(scene: Scene | undefined, earlier: Scene | undefined): void {
    this.#scene.setSource(scene ? sceneSource(scene) : null)
    this.#earlier.setSource(earlier ? sceneSource(earlier) : null)
    this.#earlier.setVisible(Boolean(earlier))
  }
  /** Where the earlier scene ends, 0 to 1 of the width. */
  set border(share: number) {
    this.#border = share
    this.#map.render()
  }
  set look(look: Look) {
    this.#look = look
    this.#tiles.changed()
  }

  go({ lon, lat, zoom }: Place): void {
    this.#map.getView().setCenter(fromLonLat([lon, lat]))
    this.#map.getView().setZoom(zoom)
  }
  whole(): void {
    this.fit(this.bounds, 28)
  }
  /** Shows a box in degrees. */
  fit(bounds: number[], edge = 60, below = 0): void {
    if (!this.#map.getSize()) return
    const [, height] = this.size
    const padding = [edge, edge, Math.min(edge + below, height * 0.8), edge]
    this.#map.getView().fit(transformExtent(bounds, DEGREES, 'EPSG:3857'), { padding, maxZoom: 19 })
  }
  /** Brings a tile into view if it is not, or if it lies below the sheet that covers so many pixels. */
  reveal(bounds: number[], below = 0): void {
    const [width, height] = this.size
    const corner = (lon = 0, lat = 0) => this.#map.getPixelFromCoordinate(fromLonLat([lon, lat])) ?? [-1, -1]
    const [[left = -1, bottom = -1], [right = -1, top = -1]] = [corner(bounds[0], bounds[1]), corner(bounds[2], bounds[3])]
    if (left >= 0 && top >= 0 && right <= width && bottom <= height - below) return
    this.#map.getView().fit(transformExtent(bounds, DEGREES, 'EPSG:3857'), { padding: [50, 50, Math.min(50 + below, height * 0.8), 50], maxZoom: Math.min(19, this.#map.getView().getZoom() ?? 19) })
  }
  zoom(levels: number): void {
    const view = this.#map.getView()
    view.animate({ zoom: (view.getZoom() ?? 2) + levels, duration: 0 })
  }
  /** Picks what lies in the middle: the way of the keyboard. */
  pickMiddle(): void {
    const [width = 0, height = 0] = this.#map.getSize() ?? []
    this.#pick([width / 2, height / 2], 1)
  }
  resize(): void {
    this.#map.updateSize()
  }
  /** Draws what the window shows onto a canvas of its own size in device pixels. */
  drawOn(context: CanvasRenderingContext2D): void {
    this.#map.renderSync()
    for (const canvas of this.#map.getTargetElement()?.querySelectorAll('canvas') ?? []) {
      if (canvas.width > 0) context.drawImage(canvas, 0, 0, context.canvas.width, context.canvas.height)
    }
  }
  get size(): [number, number] {
    const [width = 0, height = 0] = this.#map.getSize() ?? []
    return [width, height]
  }
  get resolution(): number {
    return this.#map.getView().getResolution() ?? 1
  }

  dispose(): void {
    this.#map.setTarget(undefined)
    this.#map.dispose()
  }

  #seen(): number[] {
    return transformExtent(this.#map.getView().calculateExtent(this.#map.getSize()), 'EPSG:3857', DEGREES)
  }
  #moved(): void {
    const view = this.#map.getView()
    const [lon = 0, lat = 0] = toLonLat(view.getCenter() ?? [0, 0])
    if (this.#map.getSize()) this.hooks.onmove({ lon, lat, zoom: view.getZoom() ?? 0 }, this.#seen())
  }
  #pick(pixel: number[], tolerance: number): void {
    const hit = this.#map.getFeaturesAtPixel(pixel, { hitTolerance: tolerance, layerFilter: (layer) => layer === this.#tiles })[0]
    const tile = hit?.get('tile_id')
    if (hit && tile === undefined) {
      // A square of many tiles: a look closer shows what it is made of.
      const view = this.#map.getView()
      view.setCenter(this.#map.getCoordinateFromPixel(pixel))
      view.setZoom((view.getZoom() ?? 2) + 2)
      return
    }
    this.hooks.onpick(tile === undefined ? null : String(tile))
  }

  #clip(event: RenderEvent): void {
    const context = event.context as CanvasRenderingContext2D
    const [width, height] = this.size
    const [left, right] = [getRenderPixel(event, [0, 0]), getRenderPixel(event, [width * this.#border, height])]
    context.save()
    context.beginPath()
    context.rect(left[0] ?? 0, left[1] ?? 0, (right[0] ?? 0) - (left[0] ?? 0), (right[1] ?? 0) - (left[1] ?? 0))
    context.clip()
  }

  #style(feature: FeatureLike): Style[] {
    const look = this.#look
    if (!look) return []
    const properties = feature.getProperties() as Properties
    const square = properties.tile_id === undefined
    const painted = square ? paintSquare(properties, look.scheme) : paintTile(properties, look.scheme)
    const base = this.#base(painted, look, square)
    return !square && properties.tile_id === look.picked ? [base, ...PICKED] : [base]
  }
  #base(painted: Painted, look: Look, square: boolean): Style {
    const key = `${painted.colour}/${painted.density.toFixed(1)}/${painted.provisional}/${painted.always}/${look.strength}/${look.patterns}/${look.outlined}/${square}`
    const known = styles.get(key)
    if (known) return known
    const style = styleOf(painted, look, square)
    if (styles.size > 500) styles.clear()
    styles.set(key, style)
    return style
  }
}

const styles = new Map<string, Style>()

function styleOf({ colour, density, provisional, always }: Painted, { strength, patterns, outlined }: Look, square: boolean): Style {
  if (!colour) return new Style({ fill: new Fill({ color: 'rgb(255 255 255 / 0.02)' }), stroke: new Stroke({ color: withAlpha('#f7f4ec', Math.max(0.25, strength * 0.6)), width: 1 }) })
  const fill = withAlpha(colour, always ? strength * 0.55 : strength)
  const pattern = patterns || always ? hatched(fill, withAlpha(INK, Math.min(0.55, strength * 0.7)), density) : fill
  const edge = outlined && !square && !always ? { color: colour, width: 2 } : { color: withAlpha(INK, 0.45), width: 1 }
  return new Style({ fill: new Fill({ color: pattern }), stroke: new Stroke({ ...edge, ...(provisional && { lineDash: [4, 4] }) }) })
}

const PICKED = [
  new Style({ stroke: new Stroke({ color: '#0c1214', width: 6 }), zIndex: 2 }),
  new Style({ stroke: new Stroke({ color: '#fff7e0', width: 3 }), zIndex: 3 }),
]

const TRIES = 4
const PAUSE_MS = 1_500

/** Fetches a vector tile; a server that is busy is asked again a few times. */
function load(tile: VectorTile<FeatureLike & never>, url: string): void {
  tile.setLoader((extent, _, projection) => {
    const attempt = (left: number): void =>
      void fetchMapTile(url).then(
        (bytes) => tile.setFeatures(bytes ? (tile.getFormat().readFeatures(bytes, { extent, featureProjection: projection }) as never[]) : []),
        (error: unknown) => (left > 1 && error instanceof ApiError && error.passing ? setTimeout(() => attempt(left - 1), PAUSE_MS) : tile.onError()),
      )
    attempt(TRIES)
  })
}
