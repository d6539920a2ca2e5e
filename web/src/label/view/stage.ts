// Draws one or two scenes of a tile on a plain canvas (no WebGL): swipe, side by side, fade, blink, or one alone.
import type { Lease, Scene } from '../../api'
import { mercatorBox, ringsOf, type Point } from '../compare'
import { drag, fit, scaleBar, seen, zoom, type Camera, type Limits, type Rect } from './camera'
import { cellsIn, levelFor, resolutionAt, urlOf } from './grid'
import { Images } from './images'
import { Mosaic, type Pane } from './mosaic'
import { drawOutline } from './outline'

export type Layout = 'swipe' | 'side' | 'fade' | 'blink' | 'single'
export interface Shown {
  tile: Lease['tile']
  before: Scene
  after: Scene
}
export interface Seen {
  /** Whether every image of the view has come. */
  drawn: boolean
  bar: { metres: number; pixels: number }
}

const GAP = 3
/** How much closer than the images' own pixels, and how much farther than the tile, one may look. */
const [CLOSER, FARTHER] = [8, 4]
const SHARPEST = 2
const SCALE_BAR = 96

export class Stage {
  readonly images = new Images(() => this.draw())
  readonly #mosaic = new Mosaic(this.images)
  #shown: Shown | null = null
  #camera: Camera = { x: 0, y: 0, resolution: 1 }
  #size: Rect = { left: 0, top: 0, width: 0, height: 0 }
  #layout: Layout = 'swipe'
  #position = 0.5
  #flipped = false
  #outline = true
  #moved = false
  #frame = 0

  constructor(
    readonly picture: HTMLCanvasElement,
    readonly marks: HTMLCanvasElement,
    readonly report: (seen: Seen) => void,
  ) {}

  show(shown: Shown): void {
    const same = this.#shown?.tile.id === shown.tile.id
    this.#shown = shown
    if (!same) {
      this.images.dropWaiting()
      this.reset()
    } else this.draw()
  }
  resize(width: number, height: number): void {
    this.#size = { left: 0, top: 0, width, height }
    const ratio = Math.min(SHARPEST, devicePixelRatio || 1)
    for (const canvas of [this.picture, this.marks]) [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)]
    // A canvas that was resized is blank until it is drawn: not in the next frame but now.
    if (!this.#moved) this.#fit()
    this.#paint()
  }
  /** Brings the tile back into the middle at its fitting size. */
  reset(): void {
    this.#moved = false
    this.#fit()
    this.draw()
  }
  set layout(layout: Layout) {
    this.#layout = layout
    if (!this.#moved) this.#fit()
    this.draw()
  }
  /** The border of swipe or the share of the earlier image in fade, 0 to 1. */
  set position(position: number) {
    this.#position = position
    this.draw()
  }
  /** Blink: whether the later image is on. */
  set flipped(flipped: boolean) {
    this.#flipped = flipped
    this.draw()
  }
  set outline(on: boolean) {
    this.#outline = on
    this.draw()
  }

  drag(right: number, down: number): void {
    this.#moved = true
    this.#camera = drag(this.#camera, right, down)
    this.draw()
  }
  /** Zooms around a point of the canvas; without one, around the middle. */
  zoom(factor: number, at?: Point): void {
    const rect = at ? this.#paneAt(at) : this.#panes()[0]?.rect
    if (!rect) return
    this.#moved = true
    const [right, down] = at ? [at[0] - rect.left - rect.width / 2, at[1] - rect.top - rect.height / 2] : [0, 0]
    this.#camera = zoom(this.#camera, factor, right, down, this.#limits())
    this.draw()
  }
  /** Moves the view by a quarter of its shorter side. */
  pan(x: number, y: number): void {
    const step = Math.min(this.#size.width, this.#size.height) / 4
    this.drag(-x * step, y * step)
  }

  /** Fetches the images that a tile will need, and holds them ready to draw, so that it stands at once when its turn comes. */
  preload(tile: Lease['tile'], scenes: Scene[], ready = true): void {
    const rect = this.#panes()[0]?.rect ?? this.#size
    if (rect.width === 0) return
    const camera = fit(mercatorBox(tile.bbox), rect)
    for (const scene of scenes) {
      for (const cell of cellsIn(scene, seen(camera, rect), levelFor(scene, camera.resolution))) {
        if (ready) this.images.want(urlOf(scene, cell))
        else this.images.warm(urlOf(scene, cell))
      }
    }
  }

  /** Draws one scene of the tile small, for the strip of a timeline; says whether all of it was there. */
  thumbnail(canvas: HTMLCanvasElement, tile: Lease['tile'], scene: Scene): boolean {
    const rect = { left: 0, top: 0, width: canvas.width, height: canvas.height }
    const context = canvas.getContext('2d')
    if (!context || rect.width === 0) return false
    // The tile fills the thumbnail; the level is that of the large picture, whose images are here anyway.
    const box = mercatorBox(tile.bbox)
    const camera = { ...fit(box, rect), resolution: (box[2] - box[0]) / rect.width }
    context.clearRect(0, 0, rect.width, rect.height)
    const fitting = fit(box, this.#panes()[0]?.rect ?? rect)
    return this.#mosaic.draw(context, { scene, rect, clip: rect, alpha: 1 }, camera, 1, fitting.resolution)
  }

  draw(): void {
    if (this.#frame) return
    this.#frame = requestAnimationFrame(() => this.#paint())
  }
  dispose(): void {
    cancelAnimationFrame(this.#frame)
    this.images.dispose()
  }

  #fit(): void {
    const rect = this.#panes()[0]?.rect
    if (!this.#shown || !rect || rect.width === 0) return
    this.#camera = fit(mercatorBox(this.#shown.tile.bbox), rect)
  }
  #limits(): Limits {
    if (!this.#shown) return [0.01, 1000]
    const box = mercatorBox(this.#shown.tile.bbox)
    const finest = resolutionAt(Math.max(this.#shown.before.max_zoom, this.#shown.after.max_zoom)) / CLOSER
    const whole = fit(box, this.#panes()[0]?.rect ?? this.#size).resolution
    return [Math.min(finest, whole / CLOSER), whole * FARTHER]
  }

  #panes(): Pane[] {
    const all = this.#size
    const { before, after } = this.#shown ?? {}
    if (!before || !after) return []
    const pane = (scene: Scene, rect = all, clip = rect, alpha = 1): Pane => ({ scene, rect, clip, alpha })
    if (this.#layout === 'single') return [pane(after)]
    if (this.#layout === 'blink') return [pane(this.#flipped ? after : before)]
    if (this.#layout === 'fade') return [pane(before), pane(after, all, all, 1 - this.#position)]
    if (this.#layout === 'swipe') {
      const border = Math.round(all.width * this.#position)
      return [pane(before, all, { ...all, width: border }), pane(after, all, { ...all, left: border, width: all.width - border })]
    }
    const upright = all.height > all.width
    const [width, height] = upright ? [all.width, (all.height - GAP) / 2] : [(all.width - GAP) / 2, all.height]
    const second = upright ? { left: 0, top: height + GAP, width, height } : { left: width + GAP, top: 0, width, height }
    return [pane(before, { left: 0, top: 0, width, height }), pane(after, second)]
  }
  #paneAt([x, y]: Point): Rect | undefined {
    const panes = this.#panes()
    return (panes.find(({ rect }) => x >= rect.left && x < rect.left + rect.width && y >= rect.top && y < rect.top + rect.height) ?? panes[0])?.rect
  }

  #paint(): void {
    this.#frame = 0
    const [picture, marks] = [this.picture.getContext('2d'), this.marks.getContext('2d')]
    if (!picture || !marks || this.#size.width === 0) return
    const ratio = this.picture.width / this.#size.width
    picture.clearRect(0, 0, this.picture.width, this.picture.height)
    marks.clearRect(0, 0, this.marks.width, this.marks.height)
    const panes = this.#panes()
    const all = panes.map((pane) => this.#mosaic.draw(picture, pane, this.#camera, ratio))
    if (this.#outline && this.#shown) {
      const rings = ringsOf(this.#shown.tile)
      const rects = this.#layout === 'side' ? panes.map(({ rect }) => rect) : [this.#size]
      for (const rect of rects) drawOutline(marks, rings, this.#camera, rect, ratio)
    }
    const bbox = this.#shown?.tile.bbox ?? []
    this.report({ drawn: all.length > 0 && all.every(Boolean), bar: scaleBar(this.#camera.resolution, ((bbox[1] ?? 0) + (bbox[3] ?? 0)) / 2, SCALE_BAR) })
  }
}
