// Texts: one function `t`, ICU messages from one file a language, and the language's direction.
import { IntlMessageFormat } from 'intl-messageformat'
import en from './messages/en.json'

export type Key = keyof typeof en
type Values = Record<string, string | number | Date>

const RIGHT_TO_LEFT = ['ar', 'fa', 'he', 'ur']
const search = new URLSearchParams(typeof location === 'undefined' ? '' : location.search)

/** Language of the texts; further ones come with further message files. */
export const locale = 'en'
/** Reading direction: that of the language asked for, or `?dir=` to try a layout before its texts exist. */
export const direction: 'ltr' | 'rtl' =
  search.get('dir') === 'rtl' || RIGHT_TO_LEFT.includes(search.get('lang') ?? '') ? 'rtl' : 'ltr'

const messages: Record<string, string> = en
const compiled = new Map<string, IntlMessageFormat>()

/** The text for a key with its values filled in. A key without a text shows itself, so that the gap is seen. */
export function t(key: Key, values: Values = {}): string {
  return translate(key, values) ?? key
}

function translate(key: string, values: Values): string | null {
  const text = messages[key]
  if (text === undefined) return null
  let message = compiled.get(key)
  if (!message) compiled.set(key, (message = new IntlMessageFormat(text, locale)))
  try {
    return String(message.format(values))
  } catch {
    // A text with a place that nobody filled is better than no page; messages.test.ts finds such texts.
    return text
  }
}

/** The name of a damage class or answer on screen; a custom scale's own keys are made readable. */
export function answerName(key: string): string {
  return translate(`answer.${key}`, {}) ?? readable(key)
}

/** Text of a family of keys, where the server may send a word that has no text yet. */
export function tOf(family: 'state' | 'tile_state' | 'role' | 'problem', word: string): string {
  return translate(`${family}.${word}`, {}) ?? readable(word)
}

function readable(key: string): string {
  const words = key.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
