// Hatching on canvas: slanted lines, the denser the graver, crossed for the gravest. Says without colour what colour says.
const SIZE = 8
const made = new Map<string, CanvasPattern | string>()

/** A fill of this colour with lines of `ink` on it; `density` 0 has none. */
export function hatched(fill: string, ink: string, density: number): CanvasPattern | string {
  if (density <= 0.05) return fill
  const key = `${fill}/${ink}/${density.toFixed(1)}`
  const known = made.get(key)
  if (known) return known
  const pattern = draw(fill, ink, density) ?? fill
  if (made.size > 200) made.clear()
  made.set(key, pattern)
  return pattern
}

function draw(fill: string, ink: string, density: number): CanvasPattern | null {
  const ratio = Math.max(1, Math.min(2, Math.round(devicePixelRatio || 1)))
  // Whole lines only: the pattern has to meet itself at its edges.
  const size = SIZE * ratio * (density > 0.6 ? 1 : 1.5)
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = Math.round(size)
  const context = canvas.getContext('2d')
  if (!context) return null
  lines(context, canvas.width, fill, ink, density, ratio)
  return context.createPattern(canvas, 'repeat')
}

function lines(context: CanvasRenderingContext2D, size: number, fill: string, ink: string, density: number, ratio: number): void {
  context.fillStyle = fill
  context.fillRect(0, 0, size, size)
  context.strokeStyle = ink
  context.lineWidth = (density > 0.6 ? 1.4 : 1) * ratio
  context.beginPath()
  for (const shift of [-size, 0, size]) {
    context.moveTo(shift, size)
    context.lineTo(shift + size, 0)
    if (density > 0.85) {
      context.moveTo(shift, 0)
      context.lineTo(shift + size, size)
    }
  }
  context.stroke()
}

/** The same as the content of an SVG pattern, for the legend: its side and its path. */
export function hatchPath(density: number): { size: number; path: string; width: number } {
  const size = SIZE * (density > 0.6 ? 1 : 1.5)
  if (density <= 0.05) return { size, path: '', width: 0 }
  const rising = `M${-size} ${size}L0 0M0 ${size}L${size} 0M${size} ${size}L${2 * size} 0`
  const falling = `M${-size} 0L0 ${size}M0 0L${size} ${size}M${size} 0L${2 * size} ${size}`
  return { size, path: density > 0.85 ? `${rising}${falling}` : rising, width: density > 0.6 ? 1.4 : 1 }
}
