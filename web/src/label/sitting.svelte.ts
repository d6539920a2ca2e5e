// One sitting at the workbench: takes tiles, notes answers, hands them to the outbox, asks for more.
import { api, ApiError, type Campaign, type Lease } from '../api'
import { answerName, t } from '../i18n'
import { mail } from '../mail.svelte'
import { who } from '../session.svelte'
import { ASK, Queue, type Entry } from './queue'
import { uuidV7 } from './uuid'

/** `waiting`: tiles were asked for; `empty`: the server has none now; the others say why none come. */
export type Supply = 'waiting' | 'flowing' | 'empty' | 'lost' | 'stopped' | 'refused'

const ASK_AGAIN_MS = 5_000
const PROGRESS_MS = 20_000
/** After how many rounds without tiles the page asks by itself whether there are some again. */
const QUIET_ROUNDS = 6

export class Sitting {
  /** What is on screen; replaced after every step, because the queue itself is plain. */
  shown = $state.raw<{ lease: Lease; given: string | null } | null>(null)
  next = $state.raw<Lease | undefined>(undefined)
  canUndo = $state(false)
  supply = $state<Supply>('waiting')
  /** Why tiles were refused, in the server's words. */
  problem = $state.raw<ApiError | null>(null)
  /** Answers of this sitting; a change of an answer is no further one. */
  count = $state(0)
  said = $state('')
  progress: Campaign['progress'] = $state.raw({ tiles: 0, open: 0, closed: 0, share: 0 })

  #queue = new Queue()
  #asking: Promise<void> | null = null
  #skipping: Lease | null = null
  #posting: Promise<void> = Promise.resolve()
  /** To whom the tiles were handed: their answers are kept under this name even when the session has ended meanwhile. */
  #author: string | null = null
  #since = 0
  #quiet = 0
  #timers: ReturnType<typeof setInterval>[] = []

  constructor(readonly campaign: Campaign) {
    this.progress = campaign.progress
  }

  async start(): Promise<void> {
    this.#queue = new Queue((await mail.open()).answeredLeases)
    mail.onLeases = (slug, leases) => slug === this.campaign.slug && this.#take(leases)
    this.#timers.push(setInterval(() => void this.#lookAfter(), ASK_AGAIN_MS), setInterval(() => void this.#readProgress(), PROGRESS_MS))
    void mail.flush()
    await this.ask()
  }

  stop(): void {
    mail.onLeases = null
    this.#timers.forEach((timer) => clearInterval(timer))
    this.#sendSkip()
  }

  answer(key: string): void {
    const again = this.shown?.given != null
    const entry = this.#queue.shown
    const seconds = this.#seconds()
    const change = this.#queue.answer(key)
    if (!entry) return
    if (!again) this.count += 1
    if (change) this.#posting = this.#post(change, key, seconds)
    this.#sendSkip()
    this.#show(again ? t('label.changed', { answer: answerName(key) }) : t('label.answered', { answer: answerName(key) }))
  }

  skip(): void {
    if (!this.#queue.shown) return
    const skipped = this.#queue.skip()
    this.#sendSkip()
    // Told to the server only with the next step, so that undo can still take it back.
    this.#skipping = skipped?.lease ?? null
    this.#show(t('label.skipped'))
  }

  undo(): void {
    const entry = this.#queue.undo()
    if (!entry) return
    if (this.#skipping?.lease_id === entry.lease.lease_id) this.#skipping = null
    this.#show(t('label.tile_back'))
  }

  /** Asks the server for tiles, once at a time. */
  ask(): Promise<void> {
    this.#asking ??= this.#fetch().finally(() => (this.#asking = null))
    return this.#asking
  }

  async #fetch(): Promise<void> {
    if (!this.#queue.shown) this.#sendSkip()
    try {
      await who.startLabelling()
      this.#author = who.id
      const { leases } = await api.leases(this.campaign.slug, ASK)
      this.problem = null
      const fresh = this.#queue.add(leases)
      this.supply = fresh > 0 || this.#queue.ahead.length > 0 ? 'flowing' : 'empty'
      this.#refreshShown()
    } catch (error) {
      this.#lose(error)
    }
  }

  #take(leases: Lease[]): void {
    if (this.#queue.add(leases) > 0) this.supply = 'flowing'
    this.#refreshShown()
  }

  #lose(error: unknown): void {
    const problem = error instanceof ApiError ? error : new ApiError(500, 'unavailable', String(error))
    this.problem = problem
    this.supply = problem.passing ? 'lost' : problem.code === 'conflict' || problem.code === 'forbidden' ? 'stopped' : 'refused'
  }

  async #post({ lease }: Entry, answer: string, seconds: number): Promise<void> {
    const author = who.id ?? this.#author
    if (!author) return // nobody: then no tile was ever handed out either
    await mail.put({
      id: uuidV7(), campaign: this.campaign.slug, who: author, lease_id: lease.lease_id, tile_id: lease.tile.id, answer, seconds, refused: null,
    })
  }

  #seconds(): number {
    return Math.round((performance.now() - this.#since) / 100) / 10
  }

  #show(said: string): void {
    // A screen reader says the same words twice only if they differ.
    this.said = this.said === said ? `${said}\u00a0` : said
    this.#queue.dropExpired(Date.now())
    this.#refreshShown()
    if (!this.#queue.shown) void this.#afterLast()
    else if (this.#queue.wantsMore && this.supply !== 'empty') void this.ask()
  }

  /** Nothing is left to show: the next tiles come with the receipt of the last answer, or are asked for then. */
  async #afterLast(): Promise<void> {
    this.supply = 'waiting'
    await this.#posting
    await mail.flush()
    if (!this.#queue.shown) await this.ask()
  }

  #refreshShown(): void {
    const entry = this.#queue.shown
    const lease = entry?.lease ?? null
    if (lease?.lease_id !== this.shown?.lease.lease_id) this.#since = performance.now()
    this.shown = entry ? { lease: entry.lease, given: entry.answer } : null
    this.next = this.#queue.ahead[0]
    this.canUndo = this.#queue.canUndo
  }

  #sendSkip(): void {
    const lease = this.#skipping
    this.#skipping = null
    // If this fails the lease runs out by itself and the tile goes to others then.
    if (lease) void api.skip(lease.lease_id).catch(() => undefined)
  }

  /** Every few seconds: asks again where tiles ran short for a passing reason, now and then where there were none. */
  async #lookAfter(): Promise<void> {
    this.#quiet = this.supply === 'empty' && !this.#queue.shown ? this.#quiet + 1 : 0
    const short = this.supply === 'lost' || this.#quiet >= QUIET_ROUNDS
    if (!short || document.visibilityState === 'hidden') return
    this.#quiet = 0
    await this.ask()
  }

  async #readProgress(): Promise<void> {
    if (document.visibilityState === 'hidden') return
    try {
      this.progress = (await api.campaign(this.campaign.slug)).progress
    } catch {
      // The last figures stay on screen; the outbox shows when the server is away.
    }
  }
}
