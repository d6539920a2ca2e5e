import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ApiError } from '../../client'
import { Draft, pathOf, REST_MS, type Held } from './draft.svelte'
import { nested, type Json } from './paths'

type Settings = { licence: string; policy: { minimum: number; maximum: number }; texts: { en: { title: string; purpose?: string } } }
const FIRST: Settings = { licence: '', policy: { minimum: 3, maximum: 10 }, texts: { en: { title: 'Fire' } } }

/** A server that holds settings, merges changes and refuses what is old. */
class Server {
  held: Held<Settings> = { settings: FIRST, revision: '1' }
  calls: Record<string, Json>[] = []
  refuse: (changes: Record<string, Json>) => ApiError | null = () => null
  load = () => Promise.resolve(this.held)
  save = (changes: Record<string, Json>, revision: string): Promise<Held<Settings>> => {
    this.calls.push(changes)
    const refusal = revision === this.held.revision ? this.refuse(changes) : new ApiError(409, 'conflict', 'changed meanwhile')
    if (refusal) return Promise.reject(refusal)
    return Promise.resolve(this.write(changes))
  }
  write(changes: Record<string, Json>): Held<Settings> {
    this.held = { settings: merge(this.held.settings, changes) as Settings, revision: String(Number(this.held.revision) + 1) }
    return this.held
  }
}
const plain = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
const merge = (old: unknown, put: unknown): unknown => (plain(old) && plain(put) ? Object.fromEntries([...new Set([...Object.keys(old), ...Object.keys(put)])].map((key) => [key, key in put ? merge(old[key], put[key]) : old[key]])) : put)

let server: Server
let shelf: { text: string; read: () => string; write: (text: string) => void }
const make = () => new Draft<Settings>(server.held, server, shelf)
const rest = () => vi.advanceTimersByTimeAsync(REST_MS + 10)

beforeEach(() => {
  vi.useFakeTimers()
  server = new Server()
  shelf = { text: '', read: () => shelf.text, write: (text) => (shelf.text = text) }
})
afterEach(() => vi.useRealTimers())

describe('a draft', () => {
  it('saves by itself once the writer rests, and only what changed', async () => {
    const draft = make()
    for (const title of ['M', 'Ma', 'Madre']) draft.set('texts.en.title', title)
    expect(draft.saving).toBe('unsaved')
    expect(draft.settings.texts.en.title).toBe('Madre')
    await rest()
    expect(server.calls).toEqual([{ texts: { en: { title: 'Madre' } } }])
    expect([draft.saving, draft.revision, shelf.text]).toEqual(['saved', '2', ''])
  })

  it('sends nothing for a change that was taken back', async () => {
    const draft = make()
    draft.set('licence', 'CC0')
    draft.set('licence', '')
    await rest()
    expect(server.calls).toEqual([])
    expect(draft.saving).toBe('saved')
  })

  it('says a refusal at its field, keeps what was typed, and saves the rest', async () => {
    const draft = make()
    server.refuse = (changes) => (plain(changes.policy) && Number(changes.policy.minimum) > 10 ? new ApiError(422, 'invalid', '99 is not between 1 and 10', 'policy.minimum') : null)
    draft.set('policy.minimum', 99)
    draft.set('licence', 'CC0')
    await rest()
    expect(draft.fault('policy.minimum')).toBe('99 is not between 1 and 10')
    expect([draft.saving, draft.settings.policy.minimum, server.held.settings.licence]).toEqual(['fault', 99, 'CC0'])
    draft.set('policy.minimum', 5)
    await rest()
    expect([draft.saving, draft.fault('policy.minimum'), server.held.settings.policy.minimum]).toEqual(['saved', '', 5])
  })

  it('asks again about a refused value when another one changes that may have been the cause', async () => {
    const draft = make()
    server.refuse = (changes) => {
      const { minimum, maximum } = (merge(server.held.settings, changes) as Settings).policy
      return minimum > maximum ? new ApiError(422, 'invalid', 'too high', 'policy.minimum') : null
    }
    draft.set('policy.minimum', 12)
    await rest()
    expect(draft.saving).toBe('fault')
    draft.set('policy.maximum', 20)
    await rest()
    expect([draft.saving, server.held.settings.policy]).toEqual(['saved', { minimum: 12, maximum: 20 }])
  })

  it('goes on over what somebody else changed elsewhere', async () => {
    const draft = make()
    draft.set('licence', 'CC0')
    server.write({ texts: { en: { purpose: 'theirs' } } })
    await rest()
    expect(server.held.settings).toMatchObject({ licence: 'CC0', texts: { en: { title: 'Fire', purpose: 'theirs' } } })
    expect([draft.saving, draft.settings.texts.en.purpose]).toEqual(['saved', 'theirs'])
  })

  it('never writes over what somebody else wrote in the same place, until it is told to', async () => {
    for (const mine of [true, false]) {
      server = new Server()
      const draft = make()
      draft.set('texts.en.title', 'Mine')
      server.write({ texts: { en: { title: 'Theirs' } } })
      await rest()
      expect(server.held.settings.texts.en.title).toBe('Theirs')
      expect([...draft.conflicts]).toEqual([['texts.en.title', 'Theirs']])
      expect([draft.saving, draft.settings.texts.en.title]).toEqual(['fault', 'Mine'])
      draft.settle('texts.en.title', mine)
      await rest()
      expect([draft.saving, server.held.settings.texts.en.title, draft.settings.texts.en.title]).toEqual(['saved', ...(mine ? ['Mine', 'Mine'] : ['Theirs', 'Theirs'])])
    }
  })

  it('keeps what could not be sent, tries again, and finds it after a reload', async () => {
    const draft = make()
    server.refuse = () => new ApiError(0, 'offline', '')
    draft.set('licence', 'CC0')
    await rest()
    expect(draft.saving).toBe('offline')
    server.refuse = () => null
    const later = make()
    expect(later.settings.licence).toBe('CC0')
    await vi.advanceTimersByTimeAsync(10_000)
    expect([server.held.settings.licence, later.saving, shelf.text]).toEqual(['CC0', 'saved', ''])
  })

  it('does not lose what is typed while it saves', async () => {
    const draft = make()
    draft.set('licence', 'C')
    const sent = draft.flush()
    draft.set('licence', 'CC0')
    await sent
    await rest()
    expect([server.held.settings.licence, draft.saving]).toEqual(['CC0', 'saved'])
  })

  it('finds the path that a field of the server means', () => {
    expect(pathOf('policy.kind.fixed.redundancy', ['licence', 'policy.kind'])).toBe('policy.kind')
    expect(pathOf('texts', ['licence', 'texts.en.title'])).toBe('texts.en.title')
    expect(pathOf('policy', ['licence', 'area'])).toBe(null)
    expect(pathOf(null, ['licence'])).toBe('licence')
    expect(nested(new Map<string, Json>([['a.b', 1], ['a.c', 2]]))).toEqual({ a: { b: 1, c: 2 } })
  })
})
