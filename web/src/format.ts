// Numbers and dates as people read them. Nothing unfinished is ever rounded up to "all".
import { language } from './language.svelte'

/** Makes a formatter once for each locale; the page may change its language. */
function byLocale<T>(make: (locale: string) => T): () => T {
  const made = new Map<string, T>()
  return () => {
    const { locale } = language
    const known = made.get(locale)
    if (known) return known
    const fresh = make(locale)
    made.set(locale, fresh)
    return fresh
  }
}

const whole = byLocale((locale) => new Intl.NumberFormat(locale))
const percentage = byLocale((locale) => new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 }))
const two = byLocale((locale) => new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 }))
const oneDecimal = byLocale((locale) => new Intl.NumberFormat(locale, { maximumFractionDigits: 1 }))

export const count = (value: number): string => whole().format(value)

/** Share of `part` in `all` in per cent with one decimal, rounded down, so that 100 % means every single one. */
export function percent(part: number, all: number): string {
  if (all <= 0) return percentage().format(0)
  const tenths = Math.floor((part * 1000) / all)
  if (tenths === 0 && part > 0) return `< ${percentage().format(0.001)}`
  return percentage().format(Math.min(tenths, 1000) / 1000)
}

/** Share of `part` in `all` in per cent with one decimal, rounded as usual, for shares that add up to a whole. */
export function portion(part: number, all: number): string {
  if (all <= 0) return percentage().format(0)
  const tenths = Math.round((part * 1000) / all)
  if (part === 0 || part === all || (tenths > 0 && tenths < 1000)) return percentage().format(tenths / 1000)
  return percent(part, all)
}

/** A measured share (0 to 1) with one decimal; only 1 itself is 100 %, only 0 itself 0 %. */
export function measured(value: number): string {
  if (value > 0 && value < 0.0005) return `< ${percentage().format(0.001)}`
  if (value < 1 && value > 0.9995) return `> ${percentage().format(0.999)}`
  return percentage().format(value)
}

/** A number with two decimals. */
export const twoDecimals = (value: number): string => two().format(value)

const UNITS = [['week', 604_800], ['day', 86_400], ['hour', 3_600], ['minute', 60]] as const
/** A length of time in the largest unit that it is a whole number of: 8 weeks, 1 hour. */
export function length(seconds: number): string {
  const [unit, size] = UNITS.find(([, size]) => seconds >= size && seconds % size === 0) ?? UNITS[UNITS.length - 1]!
  return new Intl.NumberFormat(language.locale, { style: 'unit', unit, unitDisplay: 'long', maximumFractionDigits: 1 }).format(seconds / size)
}

/** A probability (0 to 1) as whole per cent; only certainty itself is 0 % or 100 %. */
export function probability(value: number): string {
  const rounded = Math.round(value * 100)
  const shown = value > 0 && rounded === 0 ? 1 : value < 1 && rounded === 100 ? 99 : rounded
  return percentage().format(shown / 100)
}

/** An estimated share (0 to 1) in per cent with one decimal, rounded as usual. */
export const share = (value: number): string => percentage().format(value)

/** The size of a file. */
export function bytes(size: number): string {
  const [value, unit] = size >= 1e6 ? [size / 1e6, 'megabyte'] : size >= 1e3 ? [size / 1e3, 'kilobyte'] : [size, 'byte']
  return new Intl.NumberFormat(language.locale, { style: 'unit', unit, maximumFractionDigits: 1 }).format(value)
}

/** A number with at most one decimal. */
export const decimal = (value: number): string => oneDecimal().format(value)

const day = byLocale((locale) => new Intl.DateTimeFormat(locale, { timeZone: 'UTC', year: 'numeric', month: 'short', day: 'numeric' }))
const inWords = byLocale((locale) => new Intl.DateTimeFormat(locale, { timeZone: 'UTC', year: 'numeric', month: 'long', day: 'numeric' }))

/** The day of an image, or the days of a composite; always UTC, as the server counts. */
export function captured(from: string, to: string): string {
  const [start, end] = [new Date(from), new Date(to)]
  if (Number.isNaN(start.getTime()) || Number.isNaN(end.getTime())) return from
  return day().formatRange(start, end)
}

export function dayOf(time: string): string {
  const date = new Date(time)
  return Number.isNaN(date.getTime()) ? time : day().format(date)
}

/** The time of day here, to the second: when a figure was last brought up to date. */
export function clock(time: string): string {
  return new Date(time).toLocaleTimeString(language.locale, { hour: '2-digit', minute: '2-digit', second: '2-digit' })
}

/** A day for a sentence, with the month's whole name; UTC. */
export function dayInWords(time: string): string {
  const date = new Date(time)
  return Number.isNaN(date.getTime()) ? time : inWords().format(date)
}

const moment = byLocale((locale) => new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' }))
const daysOnly = byLocale((locale) => new Intl.DateTimeFormat(locale, { dateStyle: 'medium' }))

/** Two times as a range, as fine as they are near: with the time of day within two days, else days; here, not UTC. */
export function between(from: string, to: string): string {
  const [start, end] = [new Date(from), new Date(to)]
  const near = end.getTime() - start.getTime() < 2 * 86_400_000
  return (near ? moment() : daysOnly()).formatRange(start, end)
}

/** Days of UTC as a range. */
export const days = (from: string, to: string): string => day().formatRange(new Date(from), new Date(to))

/** A day and a time of day, here. */
export const when = (time: string): string => moment().format(new Date(time))

/** A length on the ground, in metres or kilometres. */
export function metres(length: number): string {
  const [value, unit] = length >= 1000 ? [length / 1000, 'kilometer'] : [length, 'meter']
  return new Intl.NumberFormat(language.locale, { style: 'unit', unit, maximumFractionDigits: 1 }).format(value)
}
