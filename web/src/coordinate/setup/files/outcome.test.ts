import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { language } from '../../../language.svelte'
import { outcomeOf, SENTENCES } from './outcome'

const source = readFileSync(join(import.meta.dirname, '../../../../../src/services/jobs/work.rs'), 'utf8')
const plain = (text: string) => text.replace(/[\u2068\u2069]/g, '')
const DONE = [
  'scene madre after.tif added: EPSG:32611, zoom 8 to 13; the campaign has 812 tiles, 4 places had no picture',
  'scene madre after.tif is in the campaign already; nothing changed',
  'scene July joined: 700 of 812 tiles show it; 12 closed tiles are open again, 3 stay closed as damaged, 5 answers were set aside, 2 tiles are no check gold any more',
  '1840 footprints read; the campaign has 1838 tiles, 2 had no picture',
  '12 of 15 tiles are new check gold',
  'the campaign has 812 tiles, 4 places had no picture',
]

describe('what came of a job', () => {
  afterEach(() => language.load('en'))

  it('is read from the sentences that the server writes', () => {
    for (const { format, text } of SENTENCES) expect(source, text).toContain(format)
    expect(DONE.map((message) => SENTENCES.findIndex(({ pattern }) => pattern.test(message)))).toEqual(SENTENCES.map((_, place) => place))
  })

  it.each(['es', 'fr', 'uk', 'ar'])('is told in %s with every figure and name', async (code) => {
    await language.load(code)
    for (const message of DONE) {
      const { words, own } = outcomeOf(message)
      const figures = message.replace(/madre after\.tif|EPSG:32611|July|zoom 8 to 13/g, '').match(/\d+/g) ?? []
      for (const figure of figures) expect(plain(words)).toContain(new Intl.NumberFormat(language.locale).format(Number(figure)))
      for (const name of message.match(/madre after\.tif|EPSG:32611|July/g) ?? []) expect(words).toContain(`\u2068${name}\u2069`)
      expect(own).toBe('')
      expect(plain(words)).not.toMatch(/tiles|campaign has|\{|undefined|NaN/)
    }
    expect(outcomeOf('something newer'), 'a sentence that this page does not know').toEqual({ words: language.texts['outcome.done'], own: 'something newer' })
  })

  it('stands as it is in English', () => {
    expect(outcomeOf(DONE[0] ?? '')).toEqual({ words: DONE[0], own: '' })
  })
})
