// Fingers, mouse and wheel on the picture: one finger moves (or, in a timeline at rest, turns a page), two pinch, the wheel zooms.
import type { Point } from '../compare'

export interface Moves {
  drag(right: number, down: number): void
  zoom(factor: number, at: Point): void
  /** A quick stroke of one finger to the side; returns whether it meant something. */
  swipe?(direction: -1 | 1): boolean
}

const SWIPE_PX = 48
const SWIPE_MS = 350

/** Listens on the element; returns how to stop. */
export function listen(element: HTMLElement, moves: Moves): () => void {
  const fingers = new Map<number, Point>()
  let started: { at: Point; time: number; alone: boolean } | null = null
  let tapped: { at: Point; time: number } | null = null

  const placeOf = (event: PointerEvent | WheelEvent): Point => {
    const box = element.getBoundingClientRect()
    return [event.clientX - box.left, event.clientY - box.top]
  }
  const spread = () => {
    const [a, b] = [...fingers.values()]
    return a && b ? { far: Math.hypot(a[0] - b[0], a[1] - b[1]), middle: [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2] as Point } : null
  }

  const down = (event: PointerEvent) => {
    // What lies over the picture has taps of its own.
    if (event.button > 0 || (event.target as Element).closest('button, input, a, aside, [role=slider]')) return
    element.setPointerCapture(event.pointerId)
    fingers.set(event.pointerId, placeOf(event))
    started = fingers.size === 1 ? { at: placeOf(event), time: event.timeStamp, alone: true } : started && { ...started, alone: false }
  }
  const move = (event: PointerEvent) => {
    const last = fingers.get(event.pointerId)
    if (!last) return
    const before = spread()
    const at = placeOf(event)
    fingers.set(event.pointerId, at)
    const after = spread()
    if (before && after) {
      moves.drag(after.middle[0] - before.middle[0], after.middle[1] - before.middle[1])
      if (before.far > 0) moves.zoom(after.far / before.far, after.middle)
    } else moves.drag(at[0] - last[0], at[1] - last[1])
  }
  const up = (event: PointerEvent) => {
    if (!fingers.delete(event.pointerId) || fingers.size > 0 || event.type === 'pointercancel') return
    const at = placeOf(event)
    if (started?.alone) ended(at, event)
  }
  const ended = (at: Point, event: PointerEvent) => {
    if (!started) return
    const [right, below] = [at[0] - started.at[0], at[1] - started.at[1]]
    const quick = event.timeStamp - started.time < SWIPE_MS
    if (event.pointerType !== 'mouse' && quick && Math.abs(right) > SWIPE_PX && Math.abs(right) > 2 * Math.abs(below)) {
      if (moves.swipe?.(right < 0 ? 1 : -1)) moves.drag(-right, -below)
    }
    if (quick && Math.hypot(right, below) < 8) {
      if (tapped && event.timeStamp - tapped.time < SWIPE_MS && Math.hypot(at[0] - tapped.at[0], at[1] - tapped.at[1]) < 24) moves.zoom(2, at)
      tapped = { at, time: event.timeStamp }
    }
  }
  const wheel = (event: WheelEvent) => {
    event.preventDefault()
    const lines = event.deltaMode === 1 ? event.deltaY * 16 : event.deltaY
    moves.zoom(2 ** (-Math.max(-120, Math.min(120, lines)) / (event.ctrlKey ? 60 : 240)), placeOf(event))
  }

  element.addEventListener('pointerdown', down)
  element.addEventListener('pointermove', move)
  element.addEventListener('pointerup', up)
  element.addEventListener('pointercancel', up)
  element.addEventListener('wheel', wheel, { passive: false })
  return () => {
    element.removeEventListener('pointerdown', down)
    element.removeEventListener('pointermove', move)
    element.removeEventListener('pointerup', up)
    element.removeEventListener('pointercancel', up)
    element.removeEventListener('wheel', wheel)
  }
}
