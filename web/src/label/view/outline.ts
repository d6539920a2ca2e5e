// The tile's square as corner marks over a fine line, and its footprint: light on dark, so that it shows on any ground.
import type { Point } from '../compare'
import type { Camera, Rect } from './camera'

interface Rings {
  square: Point[]
  footprint: Point[][]
}

export function drawOutline(context: CanvasRenderingContext2D, { square, footprint }: Rings, camera: Camera, rect: Rect, ratio: number): void {
  const toPixel = ([x, y]: Point): Point => [
    (rect.left + rect.width / 2 + (x - camera.x) / camera.resolution) * ratio,
    (rect.top + rect.height / 2 - (y - camera.y) / camera.resolution) * ratio,
  ]
  context.save()
  context.beginPath()
  context.rect(rect.left * ratio, rect.top * ratio, rect.width * ratio, rect.height * ratio)
  context.clip()
  // With a footprint the square is only the frame of the picture; the question is about the building.
  if (footprint.length === 0) strokeTwice(context, ratio, () => trace(context, square.map(toPixel)), 1)
  strokeTwice(context, ratio, () => corners(context, square.map(toPixel)), 3)
  for (const ring of footprint) strokeTwice(context, ratio, () => trace(context, ring.map(toPixel)), 2)
  context.restore()
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
