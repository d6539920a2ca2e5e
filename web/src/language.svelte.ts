// The language of the page: chosen here, or the first of the device's that we have. One file of texts a language, fetched when needed.
import { keep, kept } from './kept'

type Texts = Record<string, string>
const files = import.meta.glob<{ default: Texts }>('./messages/*.json')
const codeOf = (file: string) => file.slice('./messages/'.length, -'.json'.length)

/** The languages that have a file, English first. */
export const LANGUAGES = Object.keys(files).map(codeOf).sort((a, b) => Number(b === 'en') - Number(a === 'en') || a.localeCompare(b))
const RIGHT_TO_LEFT = ['ar', 'arc', 'ckb', 'dv', 'fa', 'he', 'ps', 'sd', 'ug', 'ur', 'yi']
const baseOf = (tag: string) => tag.toLowerCase().split('-')[0] ?? ''

/** A language's name in that language. */
export function nameOf(code: string): string {
  const name = new Intl.DisplayNames([code], { type: 'language' }).of(code) ?? code
  return name.charAt(0).toLocaleUpperCase(code) + name.slice(1)
}

export const directionOf = (code: string): 'ltr' | 'rtl' => (RIGHT_TO_LEFT.includes(baseOf(code)) ? 'rtl' : 'ltr')

/** The first wish that is one of ours, else English. */
export function choose(wishes: readonly string[], ours: readonly string[] = LANGUAGES): string {
  return wishes.map(baseOf).find((wish) => ours.includes(wish)) ?? 'en'
}

/** The texts of one of our languages, without changing that of the page; null where it is none of ours. */
export async function textsIn(code: string): Promise<Texts | null> {
  const file = files[`./messages/${baseOf(code)}.json`]
  return file ? (await file()).default : null
}

class Language {
  code = $state('en')
  texts = $state.raw<Texts>({})
  /** For dates and numbers: the device's own variety of the language, if it has one. */
  locale = $derived(this.#wishes().find((wish) => baseOf(wish) === this.code) ?? this.code)
  direction = $derived(directionOf(this.code))

  #wishes(): readonly string[] {
    return typeof navigator === 'undefined' ? [] : (navigator.languages ?? [])
  }

  /** Loads the language of this visit: the address's `?lang=`, the last choice, the device's. */
  async start(): Promise<void> {
    const asked = new URLSearchParams(location.search).get('lang')
    await this.load(choose([asked ?? '', kept.get('language') ?? '', ...this.#wishes()]))
  }

  /** Changes the language for good. */
  async change(code: string): Promise<void> {
    await this.load(code)
    keep('language', code)
  }

  async load(code: string): Promise<void> {
    const file = files[`./messages/${code}.json`]
    if (!file) throw new Error(`there are no texts in “${code}”`)
    this.texts = (await file()).default
    this.code = code
    if (typeof document === 'undefined') return
    document.documentElement.lang = code
    document.documentElement.dir = this.direction
  }
}

export const language = new Language()
