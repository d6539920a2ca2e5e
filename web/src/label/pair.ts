// Two OpenLayers maps on one view: swipe (both scenes on the first map, clipped at the slider) or side by side.
import OlMap from 'ol/Map.js'
import View from 'ol/View.js'
import DoubleClickZoom from 'ol/interaction/DoubleClickZoom.js'
import DragPan from 'ol/interaction/DragPan.js'
import MouseWheelZoom from 'ol/interaction/MouseWheelZoom.js'
import PinchZoom from 'ol/interaction/PinchZoom.js'
import TileLayer from 'ol/layer/Tile.js'
import type RenderEvent from 'ol/render/Event.js'
import { getRenderPixel } from 'ol/render.js'
import type XYZ from 'ol/source/XYZ.js'
import { centreOf, fittingResolution, mercatorBox, ringsOf, viewBox, type Box, type Point } from './compare'
import { sceneSource } from '../scene-source'
import type { Lease, Scene } from '../api'

export type Layout = 'swipe' | 'side'
type Layer = TileLayer<XYZ>
interface Shown {
  before: Scene
  after: Scene
  tile: Lease['tile']
}

/** Zoom levels by which one may look closer than the images' own, and farther than the whole. */
const CLOSER = 3
const FARTHER = 2

export class PairView {
  #view: View
  #first: OlMap
  #second: OlMap
  #before: Layer = new TileLayer<XYZ>()
  #after: Layer = new TileLayer<XYZ>()
  #afterAlone: Layer = new TileLayer<XYZ>()
  #sources = new Map<string, XYZ>()
  #shown: Shown | null = null
  #layout: Layout = 'swipe'
  #position = 0.5
  #outline = true
  #moved = false
  #warm: HTMLImageElement[] = []

  constructor(first: HTMLElement, second: HTMLElement, scenes: Scene[], labellingZoom: number | null | undefined) {
    const zooms = scenes.flatMap((scene) => [scene.min_zoom, scene.max_zoom]).concat(labellingZoom ?? [])
    this.#view = new View({
      center: [0, 0],
      resolution: 1,
      minZoom: Math.max(0, Math.min(...zooms) - FARTHER),
      maxZoom: Math.max(...zooms) + CLOSER,
      enableRotation: false,
      multiWorld: false,
    })
    this.#first = this.#map(first, [this.#after, this.#before])
    this.#second = this.#map(second, [this.#afterAlone])
    this.#clip(this.#after, () => [this.#position, 1])
    this.#clip(this.#before, () => [0, this.#layout === 'swipe' ? this.#position : 1])
    this.#before.on('postrender', (event) => this.#draw(event, this.#first))
    this.#afterAlone.on('postrender', (event) => this.#draw(event, this.#second))
    this.#first.on('change:size', () => this.#moved || this.reset())
  }

  show(shown: Shown): void {
    this.#shown = shown
    this.#before.setSource(this.#source(shown.before))
    this.#after.setSource(this.#source(shown.after))
    this.#afterAlone.setSource(this.#source(shown.after))
    this.reset()
  }

  /** Brings the tile back into the middle at its fitting size. */
  reset(): void {
    const size = this.#first.getSize()
    if (!this.#shown || !size) return
    const box = mercatorBox(this.#shown.tile.bbox)
    this.#view.cancelAnimations()
    this.#view.setResolution(fittingResolution(box, size[0] ?? 1, size[1] ?? 1))
    this.#view.setCenter(centreOf(box))
    this.#moved = false
    this.#render()
  }

  setLayout(layout: Layout): void {
    this.#layout = layout
    this.#after.setVisible(layout === 'swipe')
    this.#first.updateSize()
    this.#second.updateSize()
    this.reset()
  }

  /** Moves the border between before and after; 0 to 1 of the width. */
  setPosition(position: number): void {
    this.#position = position
    this.#first.render()
  }

  setOutline(on: boolean): void {
    this.#outline = on
    this.#render()
  }

  zoom(levels: number): void {
    this.#moved = true
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches
    this.#view.animate({ zoom: (this.#view.getZoom() ?? 0) + levels, duration: still ? 0 : 150 })
  }

  /** Moves the picture by a quarter of its width or height. */
  pan(x: number, y: number): void {
    const [size, centre] = [this.#first.getSize() ?? [0, 0], this.#view.getCenter() ?? [0, 0]]
    const step = ((this.#view.getResolution() ?? 1) * Math.min(size[0] ?? 0, size[1] ?? 0)) / 4
    this.#moved = true
    this.#view.setCenter([(centre[0] ?? 0) + x * step, (centre[1] ?? 0) + y * step])
  }

  /** Fetches the images that this tile will need, so that it stands at once when its turn comes. */
  preload({ before, after, tile }: Shown): void {
    const [width = 0, height = 0] = this.#first.getSize() ?? []
    const box = mercatorBox(tile.bbox)
    const resolution = fittingResolution(box, width, height)
    const needed = viewBox(centreOf(box), resolution, width, height)
    const urls = [before, after].flatMap((scene) => tileUrls(this.#source(scene), needed, resolution))
    this.#warm = urls.map((url) => Object.assign(new Image(), { src: url }))
  }

  dispose(): void {
    for (const image of this.#warm) image.removeAttribute('src')
    this.#first.setTarget(undefined)
    this.#second.setTarget(undefined)
    this.#first.dispose()
    this.#second.dispose()
  }

  #map(target: HTMLElement, layers: Layer[]): OlMap {
    const map = new OlMap({
      target,
      layers,
      view: this.#view,
      controls: [],
      interactions: [new DragPan(), new MouseWheelZoom(), new PinchZoom(), new DoubleClickZoom()],
    })
    const moved = () => (this.#moved = true)
    map.on('pointerdrag', moved)
    map.getViewport()?.addEventListener('wheel', moved, { passive: true })
    return map
  }

  #source(scene: Scene): XYZ {
    const known = this.#sources.get(scene.id)
    if (known) return known
    const source = sceneSource(scene)
    this.#sources.set(scene.id, source)
    return source
  }

  #render(): void {
    this.#first.render()
    this.#second.render()
  }

  /** Lets a layer of the first map draw only between two shares of its width. */
  #clip(layer: Layer, between: () => [number, number]): void {
    layer.on('prerender', (event) => {
      const [width = 0, height = 0] = this.#first.getSize() ?? []
      const [from, to] = between()
      const pixels: Point[] = [[from * width, 0], [to * width, 0], [to * width, height], [from * width, height]]
      const context = contextOf(event)
      context.save()
      trace(context, pixels.map((pixel) => getRenderPixel(event, pixel) as Point))
      context.clip()
    })
    layer.on('postrender', (event) => contextOf(event).restore())
  }

  /** The tile's square as corner marks over a fine line, and its footprint: light on dark, so that it shows on any ground. */
  #draw(event: RenderEvent, map: OlMap): void {
    if (!this.#outline || !this.#shown) return
    const context = contextOf(event)
    const { square, footprint } = ringsOf(this.#shown.tile)
    const toPixel = (point: Point) => getRenderPixel(event, map.getPixelFromCoordinate(point)) as Point
    const ratio = event.frameState?.pixelRatio ?? 1
    context.save()
    // With a footprint the square is only the frame of the picture; the question is about the building.
    if (footprint.length === 0) strokeTwice(context, ratio, () => trace(context, square.map(toPixel)), 1)
    strokeTwice(context, ratio, () => corners(context, square.map(toPixel)), 3)
    for (const ring of footprint) strokeTwice(context, ratio, () => trace(context, ring.map(toPixel)), 2)
    context.restore()
  }
}

function contextOf(event: RenderEvent): CanvasRenderingContext2D {
  return event.context as CanvasRenderingContext2D
}

function trace(context: CanvasRenderingContext2D, points: Point[]): void {
  context.beginPath()
  points.forEach(([x, y], place) => (place ? context.lineTo(x, y) : context.moveTo(x, y)))
  context.closePath()
}

function corners(context: CanvasRenderingContext2D, points: Point[]): void {
  context.beginPath()
  points.forEach(([x, y], place) => {
    const towards = (other: Point | undefined): Point => [x + ((other?.[0] ?? x) - x) * 0.1, y + ((other?.[1] ?? y) - y) * 0.1]
    context.moveTo(...towards(points[(place + 3) % 4]))
    context.lineTo(x, y)
    context.lineTo(...towards(points[(place + 1) % 4]))
  })
}

function strokeTwice(context: CanvasRenderingContext2D, ratio: number, path: () => void, width: number): void {
  path()
  context.lineJoin = 'miter'
  context.strokeStyle = 'rgba(8, 12, 14, 0.75)'
  context.lineWidth = (width + 2) * ratio
  context.stroke()
  context.strokeStyle = '#fff7e0'
  context.lineWidth = width * ratio
  context.stroke()
}

function tileUrls(source: XYZ, box: Box, resolution: number): string[] {
  const grid = source.getTileGrid()
  const urlOf = source.getTileUrlFunction()
  const urls: string[] = []
  grid?.forEachTileCoord(box, grid.getZForResolution(resolution), (coordinate) => {
    const [z = 0, x = 0, y = 0] = coordinate
    if (!inside(source, z, x, y)) return
    const url = urlOf(coordinate, 1, source.getProjection()!)
    if (url) urls.push(url)
  })
  return urls
}

function inside(source: XYZ, z: number, x: number, y: number): boolean {
  return source.getTileGrid()?.getFullTileRange(z)?.containsXY(x, y) ?? true
}
