// Where tiles lie and how they are cut. Where there are pictures the server cuts anew, which takes a while: what is wanted stands until that is over.
import { ApiError } from '../../../client'
import { keep, kept } from '../../../kept'
import { same } from '../paths'
import type { Tiling } from '../calls'
import { underWay, type Setup } from '../setup.svelte'
import type { Area } from './area'

export interface Wanted {
  tiles: Tiling
  area: Area | null
}
export type Cutting = 'resting' | 'unsaved' | 'sending' | 'cutting' | 'offline' | 'fault'

/** Longer than that of texts: each change is work for the server. */
const REST_MS = 1500
const AGAIN_MS = 4000

export class TilingDraft {
  #wanted = $state.raw<Wanted | null>(null)
  #job = $state<string | null>(null)
  #sent = $state.raw<Wanted | null>(null)
  #sending = $state(false)
  #away = $state(false)
  #timer: ReturnType<typeof setTimeout> | undefined
  error = $state.raw<ApiError | null>(null)

  readonly #shelf: string

  constructor(readonly setup: Setup) {
    this.#shelf = `tiling/${setup.slug}`
    this.#restore()
  }

  get held(): Wanted {
    const { tiles, area } = this.setup.draft.settings
    return { tiles, area }
  }
  get now(): Wanted {
    return this.#wanted ?? this.held
  }
  get cutting(): Cutting {
    if (this.error) return 'fault'
    if (this.#away) return 'offline'
    if (this.#sending) return 'sending'
    if (this.#job) return 'cutting'
    return this.#wanted ? 'unsaved' : 'resting'
  }

  set(change: Partial<Tiling> | { area: Area | null }): void {
    const { tiles, area } = this.now
    this.#wanted = 'area' in change ? { tiles, area: change.area } : { tiles: { ...tiles, ...change }, area }
    this.error = null
    keep(this.#shelf, JSON.stringify(this.#wanted))
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.send(), REST_MS)
  }
  /** Sends what waits, at once. */
  async send(): Promise<void> {
    clearTimeout(this.#timer)
    const wanted = this.#wanted
    if (!wanted || this.#sending || (this.#sent && same(this.#sent, wanted))) return
    if (!this.#sent && same(wanted, this.held)) return this.#rest()
    this.#sending = true
    this.#away = false
    try {
      const { tiles, area } = this.#changes(wanted)
      const { job, held } = await this.setup.calls.cut({ ...(tiles && { tiles }), ...(area !== undefined && { area }) })
      this.#sent = wanted
      if (this.#wanted === wanted) keep(this.#shelf, '')
      if (job) {
        this.#job = job.id
        this.setup.follow(job)
      } else {
        this.setup.draft.take(held)
        if (this.#wanted === wanted) this.#rest()
      }
    } catch (error) {
      this.#failed(error)
    }
    this.#sending = false
    // What was changed while this was on its way.
    if (this.#wanted && this.#wanted !== wanted && !this.error) this.#timer = setTimeout(() => void this.send(), REST_MS)
  }
  /** Looks whether the cutting that was asked for is over. */
  watch(): void {
    const job = this.#job && this.setup.jobs.find(({ id }) => id === this.#job)
    if (!job || underWay(job)) return
    this.#job = null
    if (job.state === 'failed') this.error = new ApiError(422, 'failed', job.message)
    const settled = this.#wanted && this.#sent && same(this.#wanted, this.#sent)
    this.#sent = null
    if (settled || job.state !== 'done') this.#wanted = null
  }
  dispose(): void {
    void this.send()
  }

  /** What was chosen before the page was closed, and did not reach the server. */
  #restore(): void {
    try {
      const wanted = JSON.parse(kept.get(this.#shelf) || 'null') as Wanted | null
      if (wanted && !this.setup.fixed) this.#wanted = wanted
    } catch {
      // Then there was nothing.
    }
    if (this.#wanted) this.#timer = setTimeout(() => void this.send(), REST_MS)
  }
  #rest(): void {
    keep(this.#shelf, '')
    this.#wanted = null
    this.#sent = null
  }
  #changes(wanted: Wanted): { tiles?: Tiling; area?: Area | null } {
    const from = this.#sent ?? this.held
    return { ...(!same(wanted.tiles, from.tiles) && { tiles: wanted.tiles }), ...(!same(wanted.area, from.area) && { area: wanted.area }) }
  }
  #failed(error: unknown): void {
    if (!(error instanceof ApiError)) throw error
    if (!error.passing) {
      keep(this.#shelf, '')
      return void (this.error = error)
    }
    this.#away = true
    this.#timer = setTimeout(() => void this.send(), AGAIN_MS)
  }
}
