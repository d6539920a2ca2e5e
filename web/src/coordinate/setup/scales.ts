// The scales that the program brings: their answers and when each fits.
import type { Answer } from '../../api'
import type { Key } from '../../i18n'
import type { Json } from './paths'

export interface BuiltIn {
  key: string
  name: Key
  fits: Key
  ordered: boolean
  /** Place of the mildest class that counts as heavy damage. */
  heavy_from: number
  answers: Answer[]
}

function scale(key: string, name: Key, fits: Key, heavy_from: number, classes: Record<string, number>): BuiltIn {
  const named = Object.entries(classes).map(([name, code], place): Answer => ({ key: name, role: 'class', code, heavy: place >= heavy_from }))
  const side = ([['unsure', 98], ['bad_imagery', 99]] as const).map(([name, code]): Answer => ({ key: name, role: 'side', code, heavy: false }))
  return { key, name, fits, ordered: true, heavy_from, answers: [...named, ...side] }
}

export const SCALES: BuiltIn[] = [
  scale('conflict3', 'setup.scale_name_conflict3', 'setup.scale_conflict3', 2, { no_visible_damage: 0, damaged: 1, destroyed: 2 }),
  scale('change2', 'setup.scale_name_change2', 'setup.scale_change2', 1, { no_change: 0, change: 1 }),
  scale('jds4', 'setup.scale_name_jds4', 'setup.scale_jds4', 2, { no_damage: 0, minor_damage: 1, major_damage: 2, destroyed: 3 }),
  scale('unosat5', 'setup.scale_name_unosat5', 'setup.scale_unosat5', 2, { no_visible_damage: 6, possible: 4, moderate: 3, severe: 2, destroyed: 1 }),
]

/** A scale as the settings hold it. */
export function inSettings({ key, ordered, heavy_from, answers }: BuiltIn): Json {
  return { key, ordered, heavy_from, answers: answers.map(({ key: name, role, code }) => ({ key: name, role, code })) }
}
