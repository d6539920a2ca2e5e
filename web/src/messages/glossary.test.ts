// One word for each thing in each language: whoever reads "casilla" on one page and "tesela" on the next looks for two things.
import { describe, expect, it } from 'vitest'
import ar from './ar.json'
import en from './en.json'
import es from './es.json'
import fr from './fr.json'
import uk from './uk.json'

type Texts = Record<string, string>
/** A thing by its English word, the word that a language has for it, and the stems that it must not be called by. */
interface Entry {
  english: RegExp
  word: RegExp
  never: RegExp
}

const TILE = /\btiles?\b/i
const LABEL = /\blabel(s|led|ling)?\b/i
const CAMPAIGN = /\bcampaigns?\b/i
const VOLUNTEER = /\bvolunteers?\b/i
const GLOSSARY: Record<string, [Texts, Entry[]]> = {
  es: [es, [
    { english: TILE, word: /casilla/i, never: /tesela|cuadr[oíi]|mosaico|recuadro|loseta|baldosa/i },
    { english: LABEL, word: /etiquet/i, never: /anotaci|rótulo|marcaje/i },
    { english: CAMPAIGN, word: /campaña/i, never: /proyecto|misión/i },
    { english: VOLUNTEER, word: /voluntari/i, never: /colaborador|participante/i },
  ]],
  fr: [fr, [
    { english: TILE, word: /\bcases?\b/i, never: /tuile|carreau|carré|dalle/i },
    { english: LABEL, word: /étiquet/i, never: /annot|labell/i },
    { english: CAMPAIGN, word: /campagne/i, never: /projet|mission/i },
    { english: VOLUNTEER, word: /bénévole/i, never: /volontaire|participant/i },
  ]],
  uk: [uk, [
    { english: TILE, word: /клітин/i, never: /плит[кцо]|плиток|тайл|квадрат/i },
    { english: LABEL, word: /познач/i, never: /розмі[чт]|ярлик|маркув/i },
    { english: CAMPAIGN, word: /кампані/i, never: /проєкт|проект/i },
    { english: VOLUNTEER, word: /волонтер/i, never: /доброволь/i },
  ]],
  ar: [ar, [
    { english: TILE, word: /خان/, never: /مربع|بلاط|رقعة/ },
    { english: LABEL, word: /صن[يّ]ّ?ف|صنف/, never: /وسم|وسوم|تأشير/ },
    { english: CAMPAIGN, word: /حملة|حملت|حملات/, never: /مشروع/ },
    { english: VOLUNTEER, word: /متطوع/, never: /مساهم/ },
  ]],
}
/** Tiles of a map server and of file formats, which go by the word of mapping programs. */
const OF_MAPS = /^(look|remote)\.|^results\.address|^setup\.job_ingest$/
const keysOf = (english: RegExp) => Object.entries(en).flatMap(([key, text]) => (english.test(text.replaceAll(/\{\w+/g, '')) && !OF_MAPS.test(key) && !/square/i.test(text) ? [key] : []))

describe.each(Object.entries(GLOSSARY))('the words in %s', (_, [texts, entries]) => {
  it.each(entries.map((entry) => [entry.english.source, entry] as const))('name %s in one way', (_english, { english, never }) => {
    const strange = keysOf(english).filter((key) => never.test(texts[key] ?? ''))
    expect(Object.fromEntries(strange.map((key) => [key, texts[key]]))).toEqual({})
  })

  it.each(entries.map((entry) => [entry.english.source, entry] as const))('have a word for %s that is used', (_english, { english, word }) => {
    const keys = keysOf(english)
    const named = keys.filter((key) => word.test(texts[key] ?? ''))
    expect(keys.length).toBeGreaterThan(40)
    // Some sentences say it otherwise ("they", "answers"); most do not.
    expect(named.length / keys.length, keys.filter((key) => !named.includes(key)).join(' ')).toBeGreaterThan(english === LABEL ? 0.3 : 0.75)
  })
})
