import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { language } from '../../language.svelte'
import en from '../../messages/en.json'
import fr from '../../messages/fr.json'
import { detailsOf } from './details'

const texts: Record<string, string> = en
const rust = join(import.meta.dirname, '../../../../src')
const sources = readdirSync(rust, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.rs'))
  .map((file) => readFileSync(join(rust, file), 'utf8').split('#[cfg(test)]')[0] as string)
const all = (pattern: RegExp, text: string) => [...text.matchAll(pattern)].map((match) => match[1] as string)

describe('the log', () => {
  it('has a word for every act that the server notes', () => {
    const calls = sources.flatMap((source) => all(/\bnote(?:_in_full)?\(([^;]*?);/g, source))
    const acts = new Set([...sources.flatMap((source) => all(/\bact: "(\w+)"/g, source)), ...sources.flatMap((source) => all(/=> \("(\w+)",/g, source.split('fn noted')[1] ?? '')), ...calls.flatMap((call) => all(/"([a-z]+(?:_[a-z]+)*)",/g, call)), 'withdraw_tile', 'withdraw_scene', 'exclude_volunteers', 'pause_volunteers'])
    expect(acts.size).toBeGreaterThan(30)
    expect([...acts].filter((act) => !(`act.${act}` in texts))).toEqual([])
  })

  it('has a word for every detail that the server notes', () => {
    const details = sources.flatMap((source) => all(/let detail =\s*(?:serde_json::)?json!\(([\s\S]*?)\)(?:\.to_string\(\))?;/g, source))
    const added = sources.flatMap((source) => all(/\bdetail\["(\w+)"\] =/g, source))
    const ids = ['withdrawal', 'scene']
    const keys = new Set([...details.flatMap((detail) => all(/"(\w+)":/g, detail)), ...added].filter((key) => !ids.includes(key)))
    expect(keys.size).toBeGreaterThan(15)
    expect([...keys].filter((key) => !(`log_detail.${key}` in texts))).toEqual([])
  })

  it('says details in the language of the reader, and leaves out what is empty', () => {
    language.texts = fr
    expect(detailsOf({ role: 'reviewer', guests: false, note: '' })).toEqual([{ name: 'rôle', value: fr['role.reviewer'] }, { name: 'invités aussi', value: 'non' }])
    expect(detailsOf({ areas: [{ name: 'Nord', level: 3, tiles: 7 }] })).toEqual([{ name: 'zones', value: 'Nord (niveau 3, cases : 7)' }])
    expect(detailsOf({ settings: { minimum: 4 } })[0]?.value).toBe(`${fr['setup.minimum']}: 4`)
    expect(detailsOf({ settings: { minimum: null } })[0]?.value, 'what was left as it is').toBe(`${fr['setup.minimum']}: –`)
    expect(detailsOf({ colour: 'red' })).toEqual([{ name: 'colour', value: 'red' }])
    language.texts = en
  })
})
