// A refusal of the server in the reader's language: by its code and field, as far as there are words for it.
import { said, tOf } from '../../i18n'
import { language } from '../../language.svelte'
import { ApiError } from '../../client'

/** What passes by itself: there is nothing in it that the reader did. */
const PASSING = ['offline', 'unavailable']

export interface Refusal {
  words: string
  /** What the server itself said, in English, where that says more than the words. */
  own: string
}

/** The fault of one field in words: the server's own in English, which are the most exact. */
function ofField({ field, detail }: ApiError): string | null {
  return field ? (language.code === 'en' && detail ? detail : said('fault', field.replaceAll('.', '_'))) : null
}

export function refusalOf(error: ApiError): Refusal {
  const { code, detail } = error
  if (language.code === 'en') return { words: detail || said('fault', code) || tOf('problem', code), own: '' }
  const known = ofField(error) ?? said('fault', code)
  if (known) return { words: known, own: detail }
  return detail ? { words: said('fault', 'refused') ?? '', own: detail } : { words: tOf('problem', code), own: '' }
}

/** Why a job failed: its words are the server's own. */
export function failureOf(message: string): Refusal {
  return language.code === 'en' ? { words: message, own: '' } : { words: said('fault', 'job') ?? '', own: message }
}

/** The same as one text: the server's own words, in their own direction, behind those of the reader. */
export function inOneLine(error: unknown): string {
  if (!(error instanceof ApiError)) return tOf('problem', 'unavailable')
  if (PASSING.includes(error.code)) return tOf('problem', error.code)
  const { words, own } = refusalOf(error)
  return own ? `${words} \u2068${own}\u2069` : words
}

/** One line for a field that holds what it cannot hold. */
export const faultOf = (error: ApiError): string => ofField(error) ?? inOneLine(error)
