// A refusal in words, as every part of steering shows it.
import { ApiError } from '../../client'
import { tOf } from '../../i18n'

const PLAIN = ['offline', 'unavailable']

export function wordsOf(error: unknown): string {
  if (!(error instanceof ApiError)) return tOf('problem', 'unavailable')
  return PLAIN.includes(error.code) ? tOf('problem', error.code) : error.detail || tOf('problem', error.code)
}
