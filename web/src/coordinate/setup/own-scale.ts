// A scale of one's own while it is written: the words for its classes, and what is wrong with them.
import type { Answer } from '../../api'
import type { Key } from '../../i18n'
import type { Scale } from './calls'
import type { Json } from './paths'
import { SCALES } from './scales'

export interface OwnScale {
  /** Its name in files. */
  key: string
  /** Whether the classes are grades of one thing. */
  ordered: boolean
  /** Place of the mildest class that counts as heavy damage. */
  heavy: number
  /** What the classes are called, the mildest first, as typed. */
  classes: string[]
}
export interface ScaleFaults {
  key: Key | null
  /** One for each class. */
  classes: (Key | null)[]
  whole: Key | null
}
export const [FEWEST, MOST] = [2, 20]
const LONGEST = 40
/** What belongs to every scale: it says nothing about damage. */
const SIDES = [['unsure', 98], ['bad_imagery', 99]] as const

/** A name as the word of files: a-z, 0-9 and _. */
export function wordOf(name: string): string {
  const plain = name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()
  return plain.replace(/[^a-z0-9]+/g, '_').replace(/^_+|_+$/g, '')
}

export function faultsOf({ key, classes }: OwnScale): ScaleFaults {
  const words = classes.map(wordOf)
  const faultOf = (word: string, place: number): Key | null => {
    if (!word) return classes[place]?.trim() ? 'ownscale.latin' : 'ownscale.empty'
    if (word.length > LONGEST) return 'ownscale.long'
    return words.indexOf(word) < place || SIDES.some(([side]) => side === word) ? 'ownscale.twice' : null
  }
  const built = SCALES.some((scale) => scale.key === key)
  return {
    key: built ? 'ownscale.key_taken' : /^[a-z0-9_-]{1,40}$/.test(key) ? null : 'ownscale.key_wrong',
    classes: words.map(faultOf),
    whole: classes.length < FEWEST ? 'ownscale.few' : null,
  }
}
export const isRight = ({ key, classes, whole }: ScaleFaults): boolean => !key && !whole && classes.every((fault) => fault === null)

/** As the settings hold it. A class moved above the last one that is there still counts as heavy from the last on. */
export function ownInSettings({ key, ordered, heavy, classes }: OwnScale): Json {
  const named = classes.map((name, code) => ({ key: wordOf(name), role: 'class', code }))
  const sides = SIDES.map(([side, code]) => ({ key: side, role: 'side', code }))
  return { key, ordered, heavy_from: Math.min(Math.max(1, heavy), classes.length - 1), answers: [...named, ...sides] }
}

/** The answers as volunteers will have them. */
export function answersOf({ classes, heavy }: OwnScale): Answer[] {
  return classes.map((name, code): Answer => ({ key: wordOf(name), role: 'class', code, heavy: code >= heavy }))
}

/** A scale to begin from; `null` for one that holds more than these pages can write. */
export function ownOf(scale: Scale, nameOf: (key: string) => string): OwnScale | null {
  if (scale.answers.some(({ role }) => role === 'between')) return null
  const built = SCALES.some(({ key }) => key === scale.key)
  // The words of a built-in scale have names in every language; their words in files are what is kept.
  const classes = scale.answers.filter(({ role }) => (role ?? 'class') === 'class').map(({ key }) => (wordOf(nameOf(key)) === key ? nameOf(key) : key))
  return { key: built ? 'own' : scale.key, ordered: scale.ordered ?? true, heavy: scale.heavy_from, classes }
}
