// An entry of the log as one sentence in the reader's language. The server keeps an act and what it was done to as words for programs; here they are read.
import { answerName, said, t, tOf, type Named } from '../../i18n'
import { nameOf } from '../../language.svelte'
import type { Entry } from './calls'

type Found = Record<string, string | number>
/** What the words about the subject hold, under the names that the sentence uses. */
type Reader = (entry: Entry, scale: Named) => Found

/** Of an act that was noted without details there may be nothing at all. */
const detailsIn = (entry: Entry) => (entry.detail ?? {}) as Record<string, unknown>
const detail = (entry: Entry, name: string) => String(detailsIn(entry)[name] ?? '')
/** A name or an id keeps its own direction within a sentence (Unicode isolates). */
const own = (name: string) => `\u2068${name}\u2069`
const what: Reader = ({ subject }) => ({ what: own(subject) })
const counted: Reader = ({ subject }) => ({ count: Number(/\d+/.exec(subject)?.[0] ?? 0) })
const roleOf: Reader = (entry) => ({ who: own(entry.subject), role: tOf('role', detail(entry, 'role')) })
const people: Reader = ({ subject }) => {
  const many = /^(\d+) volunteers$/.exec(subject)?.[1]
  return { what: many ? (said('log_subject', 'volunteers', { count: Number(many) }) ?? subject) : own(subject) }
}
const settings: Reader = ({ subject }, scale) => ({ what: [...new Set(subject.split(' ').map((path) => settingName(path, scale)))].join(', ') })
const ofSample: Reader = ({ subject }) => {
  const [, number = '', tile = ''] = /^sample (\d+): (.*)$/.exec(subject) ?? []
  return { number, tile: own(tile), count: Number(/^\d+/.exec(tile)?.[0] ?? 0) }
}
const gold: Reader = ({ subject }, scale) => {
  const [, tile = '', answer = '', kind = ''] = /^(.*): (\S+) as (\w+)$/.exec(subject) ?? []
  return { tile: own(tile), kind, answer: answerName(answer, scale) }
}

const READERS: Record<string, Reader> = {
  apply_campaign: settings,
  retile: settings,
  change_state: ({ subject }) => ({ state: subject }),
  ingest: what,
  import: what,
  bring_footprints: counted,
  import_gold: (entry, scale) => ({ ...counted(entry, scale), kind: / as (\w+) gold$/.exec(entry.subject)?.[1] ?? '' }),
  grant_role: ({ subject }) => {
    const at = subject.lastIndexOf(' ')
    return { who: own(subject.slice(0, at)), role: tOf('role', subject.slice(at + 1)) }
  },
  set_role: roleOf,
  remove_member: roleOf,
  make_invitation: roleOf,
  accept_invitation: roleOf,
  set_priorities: counted,
  change_policy: counted,
  extend_area: counted,
  release: counted,
  withdraw_tile: what,
  withdraw_scene: what,
  draw_sample: ofSample,
  grade_tile: ofSample,
  change_grade: ofSample,
  exclude_volunteers: people,
  pause_volunteers: people,
  lift_exclusions: people,
  review: ({ subject }, scale) => {
    const [, tile = '', answer = ''] = /^(.*): (\S+)$/.exec(subject) ?? []
    return { tile: own(tile), answer: answerName(answer, scale) }
  },
  mark_gold: gold,
  change_gold: ({ subject }, scale) => {
    const [, tile = '', before = '', answer = '', kind = ''] = /^(.*): (\S*) as \w+ to (\S+) as (\w+)$/.exec(subject) ?? []
    return { tile: own(tile), kind, before: answerName(before, scale), answer: answerName(answer, scale) }
  },
  retire_gold: ({ subject }) => {
    const [, tile = '', becomes = ''] = /^(.*): (\w+)$/.exec(subject) ?? []
    return { tile: own(tile), becomes }
  },
  ask_for_job: ({ subject }) => ({ kind: subject }),
  cancel_job: ({ subject }) => ({ kind: subject }),
  add_later_scene: what,
  later_scene_joined: what,
}

/** Details that the sentence has said already, or that are ids and mean nothing to people. */
const SAID: Record<string, readonly string[]> = {
  set_role: ['role'],
  make_invitation: ['role'],
  accept_invitation: ['role'],
  change_policy: ['version'],
}
const IDS = ['withdrawal', 'scene']

/** Acts whose subject is a scene by its id, which means nothing to people. */
const OF_SCENES = ['ingest', 'add_later_scene', 'later_scene_joined']

/** What was done, as a sentence without its actor. Answers by the names of the campaign's scale. An act that has no sentence yet reads as its name and its subject. `scenes`: titles by id. */
export function lineOf(noted: Entry, scale: Named, scenes: Record<string, string> = {}): string {
  const entry = OF_SCENES.includes(noted.act) ? { ...noted, subject: scenes[noted.subject] ?? noted.subject } : noted
  const line = entry.act === 'review' && entry.subject.endsWith(': withdrawn') ? 'review_withdrawn' : entry.act
  return said('log_line', line, READERS[entry.act]?.(entry, scale) ?? {}) ?? `${tOf('act', entry.act)}: ${entry.subject}`
}

/** The details of an entry that its sentence does not hold. */
export function unsaid(entry: Entry): Record<string, unknown> {
  const one = entry.act.endsWith('_volunteers') || entry.act === 'lift_exclusions' ? !entry.subject.endsWith(' volunteers') : false
  const left = Object.entries(detailsIn(entry)).filter(([name]) => !IDS.includes(name) && !SAID[entry.act]?.includes(name) && !(one && name === 'volunteers'))
  return Object.fromEntries(left)
}

/** A setting by the name that the setup gives it: `texts.es.title`, `policy.minimum`, `tiles.zoom`, `licence`. */
function settingName(path: string, scale: Named): string {
  const parts = path.split('.')
  if (parts[0] === 'texts') {
    const [, language = '', name = '', answer] = parts
    return `${plain(name)}${answer ? `: ${answerName(answer, scale)}` : ''} (${nameOf(language)})`
  }
  return plain(parts.at(-1) ?? path)
}

const RENAMED: Record<string, string> = { release_level: 'level', area: 'where', least_m: 'least', gold_share_first: 'gold_share', gold_first_tiles: 'gold_share', gold_uses: 'gold_share' }

function plain(name: string): string {
  const text = name === 'news' ? t('mine.news') : name === 'names' ? t('setup.class_names') : said('setup', RENAMED[name] ?? name)
  return (text ?? name.replaceAll('_', ' ')).replaceAll(/[?？؟¿]/g, '').trim()
}
