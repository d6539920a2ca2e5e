import { describe, expect, it } from 'vitest'
import { classColour, contrast, hexOf, inkOn, luminance, rgbOf, type Theme } from './palette'

// Full dichromacy in linear RGB (Machado, Oliveira and Fernandes 2009, severity 1).
const DEFICIENCY: Record<string, number[][]> = {
  none: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
}
const linear = (channel: number) => (channel <= 10.3148 ? channel / 255 / 12.92 : ((channel / 255 + 0.055) / 1.055) ** 2.4)

/** OKLab coordinates (Ottosson 2020) of a colour as someone with this deficiency sees it. */
function seen(hex: string, deficiency: string): number[] {
  const rgb = rgbOf(hex).map(linear)
  const rows = DEFICIENCY[deficiency] as number[][]
  const [r, g, b] = rows.map((row) => Math.min(1, Math.max(0, row.reduce((sum, weight, i) => sum + weight * (rgb[i] ?? 0), 0)))) as [number, number, number]
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ]
}
const distance = (a: number[], b: number[]) => Math.hypot(...a.map((value, i) => value - (b[i] ?? 0)))

describe.each<Theme>(['light', 'dark'])('class colours in the %s theme', (theme) => {
  it.each([2, 3, 4, 5])('stay apart for every kind of eye: %i classes', (total) => {
    const colours = Array.from({ length: total }, (_, place) => classColour(place, total, theme))
    for (const deficiency of Object.keys(DEFICIENCY)) {
      for (let i = 1; i < total; i++) {
        const step = distance(seen(colours[i] as string, deficiency), seen(colours[i - 1] as string, deficiency))
        expect(step, `${deficiency}: ${colours[i - 1]} and ${colours[i]}`).toBeGreaterThan(0.08)
      }
    }
  })

  it('darken from undamaged to destroyed', () => {
    const lights = Array.from({ length: 5 }, (_, place) => luminance(classColour(place, 5, theme)))
    expect(lights).toEqual([...lights].sort((a, b) => b - a))
  })

  it('carry readable ink', () => {
    for (let place = 0; place < 5; place++) {
      const colour = classColour(place, 5, theme)
      expect(contrast(colour, inkOn(colour)), colour).toBeGreaterThan(4.5)
    }
  })
})

it('a colour survives the way to numbers and back', () => {
  expect(hexOf(rgbOf('#0a60ff'))).toBe('#0a60ff')
})
