// Which colour, pattern and outline a tile or a square of many tiles gets. Colours come from the palette that is safe for all eyes; patterns say the same without colour.
import { classColour, rgbOf, sideColour, type Theme } from '../design/palette'
import type { Paint } from './question'

/** What the vector tiles say of one tile or of a square. */
export type Properties = Record<string, string | number | boolean | undefined>

export interface Scheme {
  paint: Paint
  theme: Theme
  ordered: boolean
  /** Keys of the classes, mildest first. */
  classes: string[]
  /** Last day of each scene but the first: the days on which damage was first seen. */
  days: string[]
  /** 0 to 1. */
  damagedIf: number
}

export interface Painted {
  /** Null where nothing is known: an outline only. */
  colour: string | null
  /** How dense the pattern is: 0 none, 1 the densest. */
  density: number
  /** Not a finding yet, or one that waits for an expert. */
  provisional: boolean
  /** Whether the pattern is drawn though patterns are off: it is the meaning here. */
  always?: boolean
}
/** Waits for experts: stripes on white, like no class. */
export const CONTESTED = { colour: '#ffffff', density: 0.7 }
const UNKNOWN: Painted = { colour: null, density: 0, provisional: false }

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const number = (value: unknown): number | null => (typeof value === 'number' ? value : null)

/** A single tile. */
export function paintTile(tile: Properties, scheme: Scheme): Painted {
  // What the pictures do not show has no class, whatever a few people made out.
  if (tile.state === 'contested') return { ...CONTESTED, provisional: true, always: true }
  const place = tile.state === 'unusable' ? -1 : scheme.classes.indexOf(text(tile.class))
  const provisional = tile.state === 'open'
  if (place < 0) return { ...UNKNOWN, colour: tile.state === 'unusable' ? sideColour(scheme.theme) : null }
  if (scheme.paint === 'class') return { colour: classColour(place, scheme.classes.length, scheme.theme, scheme.ordered), density: severity(place, scheme), provisional }
  if (scheme.paint === 'damaged') {
    const damaged = (number(tile.damaged_probability) ?? 0) >= scheme.damagedIf
    return { colour: whether(damaged, scheme.theme), density: damaged ? 1 : 0, provisional }
  }
  return { ...whenColour(text(tile.date_after), scheme), provisional }
}

/**
 * Many tiles as one square: the mean severity of those that are decided, the share of damaged ones, or the date that most
 * of them have. Where more tiles are contested, or unusable, than have a class, the square says that instead.
 */
export function paintSquare(square: Properties, scheme: Scheme): Painted {
  const counts = scheme.classes.map((key) => number(square[`tiles_${key}`]) ?? 0)
  const known = counts.reduce((sum, tiles) => sum + tiles, 0)
  const [contested, unusable] = [number(square.contested) ?? 0, number(square.unusable) ?? 0]
  if (contested > known && contested >= unusable) return { ...CONTESTED, provisional: true, always: true }
  if (unusable > known) return { ...UNKNOWN, colour: sideColour(scheme.theme) }
  if (known === 0) return UNKNOWN
  if (scheme.paint === 'when') return { ...whenColour(text(square.date_after), scheme), provisional: false }
  if (scheme.paint === 'damaged') {
    const share = (number(square.damaged) ?? 0) / known
    return { colour: classColour(share, 2, scheme.theme), density: share, provisional: false }
  }
  if (!scheme.ordered) {
    const most = counts.indexOf(Math.max(...counts))
    return { colour: classColour(most, counts.length, scheme.theme, false), density: 0, provisional: false }
  }
  const mean = counts.reduce((sum, tiles, place) => sum + tiles * place, 0) / known
  return { colour: classColour(mean, counts.length, scheme.theme), density: severity(mean, scheme), provisional: false }
}

const severity = (place: number, { classes }: Scheme) => (classes.length > 1 ? place / (classes.length - 1) : 0)

/** Damaged or not at the threshold: the two ends of the ramp. */
export const whether = (damaged: boolean, theme: Theme): string => classColour(damaged ? 1 : 0, 2, theme)

/** Earlier damage is darker, as it was there longer; no damage has no colour. */
export function whenColour(day: string, { days, theme }: Pick<Scheme, 'days' | 'theme'>): Pick<Painted, 'colour' | 'density'> {
  const place = days.indexOf(day)
  if (place < 0) return { colour: null, density: 0 }
  const early = days.length > 1 ? 1 - place / (days.length - 1) : 1
  // The palest end of the ramp means "undamaged" elsewhere and is left out.
  return { colour: classColour(0.25 + 0.75 * early, 2, theme), density: early }
}

export const withAlpha = (hex: string, alpha: number): string => `rgb(${rgbOf(hex).join(' ')} / ${alpha})`
