// What came of a job, in the reader's language. The server keeps it as an English sentence with its figures; here they are read.
import { t, type Key } from '../../../i18n'
import { language } from '../../../language.svelte'
import type { Refusal } from '../refused'

type Values = Record<string, string | number>
/** A sentence of the server: its places, the text that says the same, and the format string in the server's source. */
interface Sentence {
  pattern: RegExp
  text: Key
  format: string
}

export const SENTENCES: Sentence[] = [
  { pattern: /^scene (?<title>.*) added: (?<crs>.*), zoom (?<low>\d+) to (?<high>\d+); the campaign has (?<tiles>\d+) tiles, (?<left>\d+) places had no picture$/, text: 'outcome.scene_added', format: 'scene {} added: {}, zoom {} to {}; the campaign has {tiles} tiles, {left_out} places had no picture' },
  { pattern: /^scene (?<title>.*) is in the campaign already; nothing changed$/, text: 'outcome.scene_there', format: 'scene {} is in the campaign already; nothing changed' },
  { pattern: /^scene (?<title>.*) joined: (?<shown>\d+) of (?<tiles>\d+) tiles show it; (?<reopened>\d+) closed tiles are open again, (?<damaged>\d+) stay closed as damaged, (?<aside>\d+) answers were set aside, (?<gold>\d+) tiles are no check gold any more$/, text: 'outcome.scene_joined', format: 'scene {} joined: {} of {tiles} tiles show it; {} closed tiles are open again, {} stay closed as damaged, {} answers' },
  { pattern: /^(?<read>\d+) footprints read; the campaign has (?<tiles>\d+) tiles, (?<left>\d+) had no picture$/, text: 'outcome.footprints', format: '{many} footprints read; the campaign has {tiles} tiles, {left_out} had no picture' },
  { pattern: /^(?<added>\d+) of (?<many>\d+) tiles are new (?<kind>\w+) gold$/, text: 'outcome.gold', format: '{added} of {many} tiles are new {kind} gold' },
  { pattern: /^the campaign has (?<tiles>\d+) tiles, (?<left>\d+) places had no picture$/, text: 'outcome.tiles', format: 'the campaign has {tiles} tiles, {left_out} places had no picture' },
]

function valuesOf(groups: Record<string, string>): Values {
  // A name or an id keeps its own direction within a sentence (Unicode isolates).
  return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, name === 'title' || name === 'crs' ? `\u2068${value}\u2069` : name === 'kind' ? value : Number(value)]))
}

/** The words for a job that is done; a sentence that is newer than this page stands below in English. */
export function outcomeOf(message: string): Refusal {
  if (language.code === 'en') return { words: message, own: '' }
  for (const { pattern, text } of SENTENCES) {
    const groups = pattern.exec(message)?.groups
    if (groups) return { words: t(text, valuesOf(groups)), own: '' }
  }
  return { words: t('outcome.done'), own: message }
}
