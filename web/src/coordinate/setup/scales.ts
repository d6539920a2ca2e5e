// The scales that the program brings: their answers and when each fits.
import type { Answer } from '../../api'
import type { Key } from '../../i18n'

export interface BuiltIn {
  key: string
  fits: Key
  answers: Answer[]
}

const classes = (keys: string[], heavyFrom: number): Answer[] => [
  ...keys.map((key, place): Answer => ({ key, role: 'class', code: place, heavy: place >= heavyFrom })),
  { key: 'unsure', role: 'side', code: 98, heavy: false },
  { key: 'bad_imagery', role: 'side', code: 99, heavy: false },
]

export const SCALES: BuiltIn[] = [
  { key: 'conflict3', fits: 'setup.scale_conflict3', answers: classes(['no_visible_damage', 'damaged', 'destroyed'], 2) },
  { key: 'change2', fits: 'setup.scale_change2', answers: classes(['no_change', 'change'], 1) },
  { key: 'jds4', fits: 'setup.scale_jds4', answers: classes(['no_damage', 'minor_damage', 'major_damage', 'destroyed'], 2) },
  { key: 'unosat5', fits: 'setup.scale_unosat5', answers: classes(['no_visible_damage', 'possible', 'moderate', 'severe', 'destroyed'], 2) },
]
