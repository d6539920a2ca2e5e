// A scale of one's own while it is written: what its classes are called in each language, their words in files, and what is wrong with them.
import type { Answer } from '../../api'
import type { Key, Named } from '../../i18n'
import type { Scale } from './calls'
import type { Json } from './paths'
import { SCALES } from './scales'

export interface OwnClass {
  /** The word in files as typed; empty: it follows from the names. */
  word: string
  /** What it is called, by language, as typed; in any script. */
  names: Record<string, string>
}
export interface OwnScale {
  /** Its name in files. */
  key: string
  /** Whether the classes are grades of one thing. */
  ordered: boolean
  /** Place of the mildest class that counts as heavy damage. */
  heavy: number
  /** The mildest first. */
  classes: OwnClass[]
  /** The answers that say nothing about damage, as the settings have them. */
  sides: Json[]
}
/** Who writes: in which language they read this page, and what it calls an answer. */
export interface Reader {
  language: string
  called: (key: string) => string
}
export interface ScaleFaults {
  key: Key | null
  /** One for each class. */
  classes: (Key | null)[]
  whole: Key | null
}
export const [FEWEST, MOST] = [2, 20]
const [LONGEST_WORD, LONGEST_NAME] = [40, 60]
/** What belongs to every scale: it says nothing about damage. */
/** Answers that the program itself has words for, in every language. */
const KNOWN = new Set(SCALES.flatMap(({ answers }) => answers.map(({ key }) => key)))
const SIDES = [['unsure', 98], ['bad_imagery', 99]] as const

/** A name as the word of files: a-z, 0-9 and _; empty where it has no such letter. */
export function wordOf(name: string): string {
  const plain = name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()
  return plain.replace(/[^a-z0-9]+/g, '_').slice(0, LONGEST_WORD).replace(/^_+|_+$/g, '')
}

/** Whether a name is written in letters that the word of files can be made of, and not merely holds a figure or one such letter. */
const isLatin = (name: string) => /\p{Script=Latin}/u.test(name) && !/[^\p{Script=Latin}\p{Script=Common}\p{Script=Inherited}]/u.test(name)

/** The word that follows from the names: of the first in Latin letters, the campaign's languages in their order. */
export const wordFrom = ({ names }: OwnClass, languages: string[]): string => wordOf(languages.map((code) => names[code] ?? '').find(isLatin) ?? '')
export const keyOf = (one: OwnClass, languages: string[]): string => wordOf(one.word) || wordFrom(one, languages)
const written = (names: Record<string, string>) => Object.entries(names).flatMap(([code, name]) => (name.trim() ? [[code, name.trim()] as const] : []))

export function faultsOf({ key, classes, sides }: OwnScale, languages: string[]): ScaleFaults {
  const words = classes.map((one) => keyOf(one, languages))
  const taken = sides.map((side) => String((side as { key: string }).key))
  const faultOf = ({ names, word: typed }: OwnClass, place: number): Key | null => {
    const own = written(names)
    const word = words[place] ?? ''
    if (!word) return own.length > 0 || typed.trim() ? 'ownscale.latin' : 'ownscale.empty'
    if (own.some(([, name]) => [...name].length > LONGEST_NAME)) return 'ownscale.long'
    const alike = classes.slice(0, place).some((other) => own.some(([code, name]) => other.names[code]?.trim().toLowerCase() === name.toLowerCase()))
    return alike || words.indexOf(word) < place || taken.includes(word) ? 'ownscale.twice' : null
  }
  const built = SCALES.some((scale) => scale.key === key)
  return {
    key: built ? 'ownscale.key_taken' : /^[a-z0-9_-]{1,40}$/.test(key) ? null : 'ownscale.key_wrong',
    classes: classes.map(faultOf),
    whole: classes.length < FEWEST ? 'ownscale.few' : null,
  }
}
export const isRight = ({ key, classes, whole }: ScaleFaults): boolean => !key && !whole && classes.every((fault) => fault === null)

/** As the settings hold it. A class moved above the last one that is there still counts as heavy from the last on. */
export function ownInSettings({ key, ordered, heavy, classes, sides }: OwnScale, languages: string[], reader: Reader): Json {
  const named = classes.map((one, code) => ({ key: keyOf(one, languages), role: 'class', code, ...namesIn(one, keyOf(one, languages), reader) }))
  return { key, ordered, heavy_from: Math.min(Math.max(1, heavy), classes.length - 1), answers: [...named, ...sides] }
}
/** The names to keep: none where the program’s words were left as they are, so that it says them in every language. */
function namesIn({ names }: OwnClass, key: string, reader: Reader): { names?: Record<string, string> } {
  const own = written(names).sort(([one], [other]) => (one < other ? -1 : 1))
  const ours = KNOWN.has(key) && own.length === 1 && own[0]?.[0] === reader.language && own[0][1] === reader.called(key)
  return own.length > 0 && !ours ? { names: Object.fromEntries(own) } : {}
}

/** The scale of an open campaign with other names: nothing else of it may change. */
export function renamed(scale: Scale, { classes }: OwnScale, reader: Reader): Json {
  const answers = scale.answers.map(({ names, ...answer }, place) => ({ ...answer, ...(classes[place] ? namesIn(classes[place], answer.key, reader) : names && { names }) }))
  return { ...scale, answers } as unknown as Json
}

/** The answers as volunteers will have them. */
export function answersOf({ classes, heavy }: OwnScale, languages: string[]): Answer[] {
  return classes.map((one, code): Answer => ({ key: keyOf(one, languages), role: 'class', code, heavy: code >= heavy, names: Object.fromEntries(written(one.names)) }))
}

/** The answers of settings with their names in the campaign's own language, which stands in where the reader's has none. */
export function namedIn(scale: Scale, own: string): Named {
  return { answers: scale.answers.map((answer) => ({ ...answer, name: answer.names?.[own] })) }
}

/** A scale to begin from, answers that the program knows with its words in the reader's language; `null` for one that holds more than these pages can write. */
export function ownOf(scale: Scale, languages: string[], reader: Reader): OwnScale | null {
  if (scale.answers.some(({ role }) => role === 'between')) return null
  const built = SCALES.some(({ key }) => key === scale.key)
  const classes = scale.answers.filter(({ role }) => (role ?? 'class') === 'class').map(({ key, names }): OwnClass => {
    const known = KNOWN.has(key) && languages.includes(reader.language) ? { [reader.language]: reader.called(key) } : {}
    const one = { word: '', names: names ? { ...names } : known }
    return wordFrom(one, languages) === key ? one : { ...one, word: key }
  })
  const sides = scale.answers.filter(({ role }) => role === 'side') as unknown as Json[]
  return { key: built ? 'own' : scale.key, ordered: scale.ordered ?? true, heavy: scale.heavy_from, classes, sides: sides.length > 0 ? sides : SIDES.map(([side, code]) => ({ key: side, role: 'side', code })) }
}
