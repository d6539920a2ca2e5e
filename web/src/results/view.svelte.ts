// The state of the results page: the question, kept in the address, and the counts that answer it.
import { api, type Campaign, type MapStatistics } from '../api'
import { classesOf } from '../design/scale'
import { router } from '../router.svelte'
import { filterOf, fresh, readQuestion, writeQuestion, type Place, type Question } from './question'

/** A slider that is being moved asks once it rests. */
const REST_MS = 180

export class View {
  readonly campaign: Campaign
  readonly classes: string[]
  question = $state<Question>() as Question
  counts = $state.raw<MapStatistics>() as MapStatistics
  /** Whether the counts are those of the question. */
  settled = $state(true)
  failed = $state(false)
  /** What the map shows, in degrees. */
  seen = $state.raw<number[] | null>(null)
  filter = $derived.by(() => filterOf(this.question, this.campaign.scenes, this.seen))
  /** The same in one line, to tell whether it changed. */
  asked = $derived(new URLSearchParams(this.filter).toString())

  #timer: ReturnType<typeof setTimeout> | undefined
  #turn = 0

  constructor(campaign: Campaign, counts: MapStatistics) {
    this.campaign = campaign
    this.classes = classesOf(campaign.scale.answers).map(({ key }) => key)
    this.question = readQuestion(router.route.query, campaign.scenes, this.classes)
    this.counts = counts
  }

  set(change: Partial<Question>): void {
    Object.assign(this.question, change)
  }
  pick(tile: string | null): void {
    this.set(tile ? { tile, tab: 'tile' } : { tile })
  }
  /** All tiles again; what one looks at and how it is painted stays. */
  reset(): void {
    const { classes, states, least, when, inView } = fresh(this.campaign.scenes)
    this.set({ classes, states, least, when, inView })
  }
  moved(place: Place, seen: number[]): void {
    this.seen = seen
    this.set({ place })
  }

  /** Writes the question into the address without a new entry in the history: going back leaves the map. */
  keep(): void {
    // Commas need no disguise here, and people read these addresses.
    const query = writeQuestion(this.question, this.campaign.scenes).toString().replaceAll('%2C', ',').replaceAll('%7E', '~')
    const path = `#/c/${encodeURIComponent(this.campaign.slug)}/map`
    history.replaceState(history.state, '', `${location.pathname}${location.search}${path}${query ? `?${query}` : ''}`)
  }

  /** Takes over another address of this page, as somebody pasted it or went back to it. */
  read(query: URLSearchParams): void {
    this.question = readQuestion(query, this.campaign.scenes, this.classes)
  }

  /** Counts anew, a moment after the last change. */
  count(asked: Record<string, string>): void {
    this.settled = false
    clearTimeout(this.#timer)
    const turn = (this.#turn += 1)
    this.#timer = setTimeout(() => {
      api.mapStatistics(this.campaign.slug, asked).then(
        (counts) => turn === this.#turn && ((this.counts = counts), (this.settled = true), (this.failed = false)),
        () => turn === this.#turn && (this.failed = true),
      )
    }, REST_MS)
  }
  dispose(): void {
    clearTimeout(this.#timer)
    this.#turn += 1
  }
}
