// Colours of damage classes: a ramp that darkens evenly from "undamaged" (pale blue) over ochre to "destroyed" (deep plum),
// so that its order survives deuteranopia, protanopia and grey print. palette.test.ts measures that.

type Rgb = [number, number, number]

const RAMP = ['#a9d3e6', '#e8c65f', '#e08a2b', '#c2452d', '#6a1b4d']
// On a dark page the darkest end is lifted, or "destroyed" would sink into the background.
const RAMP_ON_DARK = ['#b4dcee', '#edcf72', '#e79a44', '#d65f47', '#a04a86']
// For scales that are no order (Okabe and Ito, 2008).
const UNORDERED = ['#56b4e9', '#e69f00', '#009e73', '#f0e442', '#0072b2', '#d55e00', '#cc79a7']
const SIDE = { light: '#c9c5ba', dark: '#6d7775' }

export type Theme = 'light' | 'dark'

export function rgbOf(hex: string): Rgb {
  const value = Number.parseInt(hex.slice(1), 16)
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255]
}

export function hexOf([red, green, blue]: Rgb): string {
  return `#${((1 << 24) | (red << 16) | (green << 8) | blue).toString(16).slice(1)}`
}

/** Colour of the class at `place` (0 = undamaged) of `total` classes. */
export function classColour(place: number, total: number, theme: Theme, ordered = true): string {
  if (!ordered) return UNORDERED[place % UNORDERED.length] ?? SIDE[theme]
  const ramp = theme === 'dark' ? RAMP_ON_DARK : RAMP
  const at = total > 1 ? (place / (total - 1)) * (ramp.length - 1) : 0
  const low = Math.min(Math.floor(at), ramp.length - 2)
  const [from, to] = [rgbOf(ramp[low] as string), rgbOf(ramp[low + 1] as string)]
  const mix = (channel: 0 | 1 | 2) => Math.round(from[channel] + (to[channel] - from[channel]) * (at - low))
  return hexOf([mix(0), mix(1), mix(2)])
}

/** Colour of answers that say nothing about damage. */
export const sideColour = (theme: Theme): string => SIDE[theme]

/** Relative luminance (WCAG 2.2). */
export function luminance(hex: string): number {
  const [red, green, blue] = rgbOf(hex).map((channel) => {
    const share = channel / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  }) as Rgb
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/** Contrast ratio of two colours (WCAG 2.2), 1 to 21. */
export function contrast(one: string, other: string): number {
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number]
  return (high + 0.05) / (low + 0.05)
}

const INK = '#12191a'
const PAPER = '#ffffff'
/** Ink or white, whichever reads better on a colour. */
export function inkOn(hex: string): string {
  return contrast(hex, INK) >= contrast(hex, PAPER) ? INK : PAPER
}
