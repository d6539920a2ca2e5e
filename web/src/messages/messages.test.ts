import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { IntlMessageFormat } from 'intl-messageformat'
import { describe, expect, it } from 'vitest'
import en from './en.json'
import { fill, parse, type Part, type Values } from './icu'

type Texts = Record<string, string>
const english: Texts = en
const root = join(import.meta.dirname, '..')
const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.(svelte|ts)$/.test(file) && !file.endsWith('.test.ts'))
  .map((file) => readFileSync(join(root, file), 'utf8'))
const code = sources.join('\n')
const languages = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.json'))
  .map((file) => [file.replace('.json', ''), JSON.parse(readFileSync(join(import.meta.dirname, file), 'utf8')) as Texts] as const)

/** Names of the places in a message that a caller has to fill, each with its kind. */
function places(parts: Part[]): Map<string, string> {
  const found = new Map<string, string>()
  for (const part of parts) {
    if (typeof part === 'string' || 'hash' in part) continue
    // A translation may write a number where English writes the text of one, and may need no plural.
    found.set(part.place, part.as === 'select' ? 'select' : 'value')
    if ('options' in part) for (const option of Object.values(part.options)) for (const [place, kind] of places(option)) found.set(place, kind)
  }
  return found
}

/** Values for every place: each amount and each option that a message knows. */
function samples(parts: Part[]): Values[] {
  const selects = new Map<string, string[]>()
  const walk = (some: Part[]) => {
    for (const part of some) {
      if (typeof part === 'string' || 'hash' in part || !('options' in part)) continue
      if (part.as === 'select') selects.set(part.place, Object.keys(part.options))
      Object.values(part.options).forEach(walk)
    }
  }
  walk(parts)
  const names = [...places(parts).keys()]
  return [0, 1, 2, 3, 5, 11, 21, 60, 100, 1440, 12_345].flatMap((amount, turn) => {
    const values: Values = {}
    for (const name of names) {
      const options = selects.get(name)
      values[name] = options ? (options[turn % options.length] as string) : amount
    }
    return [values]
  })
}

describe.each(languages)('the texts in %s', (language, texts) => {
  it('are the same as in English: none missing, none too many', () => {
    expect(Object.keys(texts).filter((key) => !(key in english)), 'too many').toEqual([])
    expect(Object.keys(english).filter((key) => !(key in texts)), 'missing').toEqual([])
  })

  it('have the places of the English ones', () => {
    const strange = Object.keys(texts).filter((key) => {
      const [here, there] = [places(parse(texts[key] as string)), places(parse(english[key] ?? ''))]
      return JSON.stringify([...here].sort()) !== JSON.stringify([...there].sort())
    })
    expect(strange).toEqual([])
  })

  it('name every plural form that the language has', () => {
    const needed = new Intl.PluralRules(language).resolvedOptions().pluralCategories
    const gaps: string[] = []
    const walk = (key: string, parts: Part[]) => {
      for (const part of parts) {
        if (typeof part === 'string' || 'hash' in part || !('options' in part)) continue
        // Whole numbers below a million never ask for “many” in French and Spanish, nor for “other” where it means fractions.
        const samples = [0, 1, 2, 3, 5, 11, 21, 100].filter((n) => part.as === 'plural' && !part.options[`=${n}`])
        const asked = needed.filter((form) => samples.some((n) => new Intl.PluralRules(language).select(n) === form))
        if (part.as === 'plural') gaps.push(...asked.filter((form) => !part.options[form]).map((form) => `${key}: ${form}`))
        Object.values(part.options).forEach((option) => walk(key, option))
      }
    }
    for (const [key, text] of Object.entries(texts)) walk(key, parse(text))
    expect(gaps).toEqual([])
  })

  it('read as the reference implementation of ICU messages reads them', () => {
    for (const [key, text] of Object.entries(texts)) {
      const parts = parse(text)
      const reference = new IntlMessageFormat(text, language)
      for (const values of samples(parts)) expect(fill(parts, values, language), `${key} with ${JSON.stringify(values)}`).toBe(String(reference.format(values)))
    }
  })
})

describe('messages', () => {
  it.each(Object.keys(english))('%s finds its places filled by its callers', (key) => {
    const wanted = places(parse(english[key] as string)).keys()
    for (const [, rest = ''] of code.matchAll(new RegExp(`\\bt\\('${key.replaceAll('.', '\\.')}'([^\\n]*)`, 'g'))) {
      for (const place of wanted) expect(rest, `t('${key}') fills {${place}}`).toMatch(new RegExp(`[{,] *${place}\\b`))
    }
  })

  it('are all used', () => {
    const families = [
      /^(act|answer|check|dashboard_wait|dashboard_why|desk|estimate|exposure|fault|log_detail|log_line|log_subject|problem|review_standing|review_why|role|state|state_text|tile_state)\./,
      /^outbox\.(saved|sending|unsent|refused|text_)/,
      /^account\.cop/,
      /^setup\.check_/,
      /^volunteers\.(paused|excluded|ring|gold|constant|hasty|too_fast|unseen|info|warning|urgent)$/,
    ]
    const unused = Object.keys(english).filter((key) => !families.some((family) => family.test(key)) && !code.includes(`'${key}'`))
    expect(unused).toEqual([])
  })

  it('say every word by which the server tells why, in the check list and in the estimate', () => {
    const { schemas } = (JSON.parse(readFileSync(join(root, '../../openapi.json'), 'utf8')) as { components: { schemas: Record<string, { enum?: string[] }> } }).components
    for (const [family, schema] of [['check', 'Reason'], ['estimate', 'Origin']] as const) {
      const words = schemas[schema]?.enum ?? []
      expect(words.length, schema).toBeGreaterThan(5)
      expect(words.filter((word) => !(`${family}.${word}` in english))).toEqual([])
    }
  })

  it('say at which place a broken text cannot be read', () => {
    for (const broken of ['{', '{a', '{a, plural, one {x}}', '{a, plural, one x other {y}}', 'a}', '{a, date}']) expect(() => parse(broken), broken).toThrow()
  })
})
