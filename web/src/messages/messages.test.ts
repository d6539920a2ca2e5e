import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { IntlMessageFormat } from 'intl-messageformat'
import { describe, expect, it } from 'vitest'
import en from './en.json'

const messages: Record<string, string> = en
const root = join(import.meta.dirname, '..')
const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.(svelte|ts)$/.test(file) && !file.endsWith('.test.ts'))
  .map((file) => readFileSync(join(root, file), 'utf8'))
const code = sources.join('\n')

/** Names of the places in a message that a caller has to fill. */
function places(message: string): string[] {
  const found = new Set<string>()
  const walk = (parts: { type: number; value?: unknown; options?: Record<string, { value: never[] }> }[]) => {
    for (const part of parts) {
      if (part.type >= 1 && part.type <= 6) found.add(String(part.value))
      for (const option of Object.values(part.options ?? {})) walk(option.value)
    }
  }
  walk(new IntlMessageFormat(message, 'en').getAst() as never)
  return [...found]
}

describe('messages', () => {
  it.each(Object.keys(messages))('%s can be read, and its callers fill its places', (key) => {
    const wanted = places(messages[key] as string)
    for (const [, rest = ''] of code.matchAll(new RegExp(`\\bt\\('${key.replaceAll('.', '\\.')}'([^\\n]*)`, 'g'))) {
      for (const place of wanted) expect(rest, `t('${key}') fills {${place}}`).toMatch(new RegExp(`[{,] *${place}\\b`))
    }
  })

  it('are all used', () => {
    const families = [/^(answer|state|tile_state|role|problem|state_text)\./, /^outbox\.(saved|sending|unsent|refused|text_)/, /^account\.cop/]
    const unused = Object.keys(messages).filter((key) => !families.some((family) => family.test(key)) && !code.includes(`'${key}'`))
    expect(unused).toEqual([])
  })
})
