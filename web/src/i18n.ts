// Texts: one function `t` over the messages of the language in use.
import type en from './messages/en.json'
import { language } from './language.svelte'
import { fill, parse, type Part, type Values } from './messages/icu'

export type Key = keyof typeof en

let of = ''
let compiled = new Map<string, Part[]>()

/** The text for a key with its values filled in. A key without a text shows itself, so that the gap is seen. */
export function t(key: Key, values: Values = {}): string {
  return translate(key, values) ?? key
}

function translate(key: string, values: Values): string | null {
  const text = language.texts[key]
  if (text === undefined) return null
  if (of !== language.code) [of, compiled] = [language.code, new Map()]
  let message = compiled.get(key)
  if (!message) compiled.set(key, (message = parse(text)))
  try {
    return fill(message, values, language.locale)
  } catch {
    // A text with a place that nobody filled is better than no page; messages.test.ts finds such texts.
    return text
  }
}

/** What the answers of a scale are called: by language, and in the language that the server chose for the reader. */
export interface Named {
  answers: readonly { key: string; name?: string | null | undefined; names?: Record<string, string> | undefined }[]
}

/** The name of a damage class or answer on screen: its scale's own in the reader's language, else in the campaign's; else the key in words. */
export function answerName(key: string, scale: Named): string {
  const own = scale.answers.find((answer) => answer.key === key)
  return own?.names?.[language.code] ?? own?.name ?? translate(`answer.${key}`, {}) ?? readable(key)
}

/** Text of a family of keys, where the server may send a word that has no text yet. */
export function tOf(family: 'state' | 'tile_state' | 'role' | 'problem' | 'desk' | 'review_why' | 'review_standing' | 'volunteers' | 'act', word: string): string {
  return translate(`${family}.${word}`, {}) ?? readable(word)
}

/** What the server says by a word and its figures; `null` for a word that has no text yet, for its own words to stand in. */
export function said(family: 'check' | 'estimate' | 'fault' | 'log_detail' | 'log_line' | 'log_subject' | 'setup', word: string, values: Values = {}): string | null {
  return translate(`${family}.${word}`, values)
}

function readable(key: string): string {
  const words = key.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
