// How long something will take, in one rounded unit: nobody needs the seconds of an hour.
import { language } from '../../../language.svelte'

const UNITS: [limit: number, seconds: number, unit: string][] = [
  [90, 1, 'second'],
  [90 * 60, 60, 'minute'],
  [Infinity, 3600, 'hour'],
]

export function lasting(seconds: number): string {
  const [, length, unit] = UNITS.find(([limit]) => seconds < limit) ?? [0, 3600, 'hour']
  return new Intl.NumberFormat(language.locale, { style: 'unit', unit, unitDisplay: 'long' }).format(Math.max(1, Math.round(seconds / length)))
}
