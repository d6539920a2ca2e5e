// What a reader asks of the map and how it looks, as one plain value: written into the page's address, and into that of the server.
import type { Scene } from '../api'

/** How tiles are painted: by class, by when it happened, or by whether damage is likely enough. */
export const PAINTS = ['class', 'when', 'damaged'] as const
export type Paint = (typeof PAINTS)[number]
export const TABS = ['filter', 'tile', 'figures', 'table', 'download'] as const
export type Tab = (typeof TABS)[number]

export interface Place {
  lon: number
  lat: number
  zoom: number
}

export interface Question {
  /** Class keys; none: all, also tiles without a class. */
  classes: string[]
  /** State keys; none: all. */
  states: string[]
  /** Least probability of the class, in hundredths. */
  least: number
  /** Damage between these two scenes (ids); null: at any time. */
  when: [string, string] | null
  /** A tile is called damaged from this probability on, in hundredths. */
  damagedIf: number
  /** Count and download only what the map shows. */
  inView: boolean
  paint: Paint
  /** Scene under the tiles; '' for none. */
  scene: string
  /** Scene on the left of the swipe; '' where nothing is swiped. */
  swipe: string
  /** Strength of the colours, in hundredths. */
  strength: number
  patterns: boolean
  place: Place | null
  tile: string | null
  tab: Tab
}

export function fresh(scenes: Pick<Scene, 'id'>[]): Question {
  const scene = scenes[scenes.length - 1]?.id ?? ''
  return { classes: [], states: [], least: 0, when: null, damagedIf: 50, inView: false, paint: 'class', scene, swipe: '', strength: 60, patterns: true, place: null, tile: null, tab: 'filter' }
}

const list = (text: string | null): string[] => (text ?? '').split(',').filter(Boolean)
const within = (text: string | null, low: number, high: number, otherwise: number): number => {
  const value = text === null || text === '' ? NaN : Number(text)
  return Number.isFinite(value) && value >= low && value <= high ? value : otherwise
}
const oneOf = <T extends string>(text: string | null, all: readonly T[], otherwise: T): T => all.find((one) => one === text) ?? otherwise

/** Reads the address; what is missing or makes no sense is as in a fresh question. */
export function readQuestion(query: URLSearchParams, scenes: Pick<Scene, 'id'>[], classes: string[]): Question {
  const plain = fresh(scenes)
  const known = (id: string | null) => scenes.some((scene) => scene.id === id)
  const [from = '', to = ''] = (query.get('when') ?? '').split('~')
  const [lon, lat, zoom] = (query.get('at') ?? '').split(',')
  const place = { lon: within(lon ?? null, -360, 360, NaN), lat: within(lat ?? null, -86, 86, NaN), zoom: within(zoom ?? null, 0, 24, NaN) }
  const scene = query.get('scene')
  const swipe = query.get('swipe')
  return {
    classes: list(query.get('class')).filter((key) => classes.includes(key)),
    states: list(query.get('state')).filter((key) => STATES.includes(key)),
    least: Math.round(within(query.get('least'), 0, 100, plain.least)),
    when: known(from) && known(to) && from !== to ? [from, to] : null,
    damagedIf: Math.round(within(query.get('damaged_if'), 0, 100, plain.damagedIf)),
    inView: query.get('view') === '1',
    paint: oneOf(query.get('paint'), PAINTS, plain.paint),
    scene: scene === 'none' ? '' : known(scene) ? (scene as string) : plain.scene,
    swipe: known(swipe) ? (swipe as string) : '',
    strength: Math.round(within(query.get('strength'), 0, 100, plain.strength)),
    patterns: query.get('patterns') !== '0',
    place: Object.values(place).some(Number.isNaN) ? null : place,
    tile: query.get('tile') || null,
    tab: oneOf(query.get('tab'), TABS, plain.tab),
  }
}
export const STATES = ['open', 'settled', 'contested', 'reviewed', 'unusable']

/** The question as it stands in the address: only what differs from a fresh one. */
export function writeQuestion(question: Question, scenes: Pick<Scene, 'id'>[]): URLSearchParams {
  const plain = fresh(scenes)
  const query = new URLSearchParams()
  const put = (name: string, value: string, usual: string) => value !== usual && query.set(name, value)
  put('class', question.classes.join(','), '')
  put('state', question.states.join(','), '')
  put('least', String(question.least), String(plain.least))
  put('when', question.when?.join('~') ?? '', '')
  put('damaged_if', String(question.damagedIf), String(plain.damagedIf))
  put('view', question.inView ? '1' : '', '')
  put('paint', question.paint, plain.paint)
  put('scene', question.scene || 'none', plain.scene || 'none')
  put('swipe', question.swipe, '')
  put('strength', String(question.strength), String(plain.strength))
  put('patterns', question.patterns ? '1' : '0', '1')
  const { place } = question
  put('at', place ? `${place.lon.toFixed(6)},${place.lat.toFixed(6)},${place.zoom.toFixed(2)}` : '', '')
  put('tile', question.tile ?? '', '')
  put('tab', question.tab, plain.tab)
  return query
}

type Captured = Pick<Scene, 'id' | 'captured_from' | 'captured_to'>
const DAY_MS = 86_400_000
/** A moment as a day where it is one from its first or to its last millisecond, else to the millisecond. */
const spelled = (ms: number, edge: number) => ((ms - edge) % DAY_MS === 0 ? new Date(ms - edge).toISOString().slice(0, 10) : new Date(ms).toISOString())

/**
 * First and last moment that lie between two scenes: after the earlier was taken and before the later was. So windows that end with the
 * earlier scene or begin with the later one do not overlap it.
 */
export function between(when: [string, string] | null, scenes: Captured[]): { from: string; to: string } | null {
  const [before, after] = (when ?? []).map((id) => scenes.find((scene) => scene.id === id))
  if (!before || !after) return null
  const from = Date.parse(before.captured_to) + 1
  const to = Math.max(from, Date.parse(after.captured_from) - 1)
  return { from: spelled(from, 0), to: spelled(to, DAY_MS - 1) }
}

/** The filter as the server reads it, for counts, vector tiles, pages of the list and downloads alike. */
export function filterOf(question: Question, scenes: Captured[], bbox: number[] | null = null): Record<string, string> {
  const dates = between(question.when, scenes)
  return {
    ...(question.classes.length > 0 && { class: question.classes.join(',') }),
    ...(question.states.length > 0 && { state: question.states.join(',') }),
    ...(question.least > 0 && { probability_at_least: String(question.least / 100) }),
    ...(dates && { damaged_from: dates.from, damaged_to: dates.to }),
    ...(question.inView && bbox && { bbox: bbox.map((degrees) => degrees.toFixed(7)).join(',') }),
  }
}

/** How many parts of the filter are set. */
export const narrowed = (question: Question): number => [question.classes.length > 0, question.states.length > 0, question.least > 0, question.when !== null, question.inView].filter(Boolean).length
