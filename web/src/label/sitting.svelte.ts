// One sitting at the workbench: takes tiles, notes answers, hands them to the outbox, asks for more.
import { api, ApiError, type Campaign, type Lease } from '../api'
import { answerName, t } from '../i18n'
import { mail } from '../mail.svelte'
import { who } from '../session.svelte'
import { keepLeases, keptLeases, watchLeases } from './leases'
import { ASK, Queue, type Entry, type Said } from './queue'
import { uuidV7 } from './uuid'

/** `waiting`: tiles were asked for; `empty`: the server has none now; the others say why none come. */
export type Supply = 'waiting' | 'flowing' | 'empty' | 'lost' | 'stopped' | 'refused' | 'practice' | 'excluded'

const ASK_AGAIN_MS = 5_000
const PROGRESS_MS = 20_000
/** After how many rounds without tiles the page asks by itself whether there are some again. */
const QUIET_ROUNDS = 6

export class Sitting {
  /** What is on screen; replaced after every step, because the queue itself is plain. */
  shown = $state.raw<{ lease: Lease; said: Said | null } | null>(null)
  ahead = $state.raw<Lease[]>([])
  canUndo = $state(false)
  supply = $state<Supply>('waiting')
  /** Why tiles were refused, in the server's words. */
  problem = $state.raw<ApiError | null>(null)
  /** Answers of this sitting; a change of an answer is no further one. */
  count = $state(0)
  said = $state('')
  progress: Campaign['progress'] = $state.raw({ tiles: 0, open: 0, closed: 0, contested: 0, share: 0 })

  #queue = new Queue()
  #asking: Promise<void> | null = null
  #skipping: Lease | null = null
  #posting: Promise<void> = Promise.resolve()
  /** To whom the tiles were handed: their answers are kept under this name even when the session has ended meanwhile. */
  #author: string | null = null
  #since = 0
  #quiet = 0
  #stops: (() => void)[] = []

  constructor(readonly campaign: Campaign) {
    this.progress = campaign.progress
  }

  async start(): Promise<void> {
    const answered = (await mail.open()).answeredLeases
    this.#queue = new Queue(answered)
    mail.onLeases = (slug, leases) => slug === this.campaign.slug && this.#take(leases)
    this.#every(ASK_AGAIN_MS, () => this.#lookAfter())
    this.#every(PROGRESS_MS, () => this.#readProgress())
    this.#stops.push(watchLeases(this.campaign.slug, () => this.#inHand, (ends) => this.#queue.renew(ends)))
    void mail.flush()
    await this.ask()
  }

  stop(): void {
    mail.onLeases = null
    this.#stops.forEach((stop) => stop())
    this.#sendSkip()
  }

  answer(said: Said): void {
    const again = this.shown?.said != null
    const entry = this.#queue.shown
    const seconds = this.#seconds()
    const change = this.#queue.answer(said)
    if (!entry) return
    if (!again) this.count += 1
    if (change) this.#posting = this.#post(change, said, seconds)
    this.#sendSkip()
    const answer = answerName(said.answer, this.campaign.scale)
    this.#show(again ? t('label.changed', { answer }) : t('label.answered', { answer }))
  }

  /** Goes on without an answer; a remark about the tile is sent all the same. */
  skip(remark: { note: string; flagged: boolean } | null = null): void {
    if (!this.#queue.shown) return
    const skipped = this.#queue.skip()
    if (remark && skipped) this.#posting = this.#post(skipped, { answer: null, ...remark }, this.#seconds())
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

  /** Says something to a screen reader; the same words twice are heard only if they differ. */
  say(words: string): void {
    this.said = this.said === words ? `${words}\u00a0` : words
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
      await this.#lose(error)
    }
  }

  #take(leases: Lease[]): void {
    if (this.#queue.add(leases) > 0) this.supply = 'flowing'
    this.#refreshShown()
  }

  async #lose(error: unknown): Promise<void> {
    const problem = error instanceof ApiError ? error : new ApiError(500, 'unavailable', String(error))
    this.problem = problem
    if (problem.passing) {
      // Without a network the tiles that this device still has are labelled; an answer to one that ran out counts where it can.
      this.#author ??= who.id
      const left = this.#author && !this.#queue.shown ? await keptLeases(this.campaign.slug, this.#author) : []
      if (this.#queue.add(left) > 0) this.#refreshShown()
      this.supply = 'lost'
    } else if (problem.code === 'practice_required') this.supply = 'practice'
    else if (problem.code === 'excluded') this.supply = 'excluded'
    else this.supply = problem.code === 'conflict' || problem.code === 'forbidden' ? 'stopped' : 'refused'
  }

  async #post({ lease }: Entry, said: Omit<Said, 'answer'> & { answer: string | null }, seconds: number): Promise<void> {
    const author = who.id ?? this.#author
    if (!author) return // nobody: then no tile was ever handed out either
    await mail.put({ id: uuidV7(), campaign: this.campaign.slug, who: author, lease_id: lease.lease_id, tile_id: lease.tile.id, ...said, seconds, refused: null })
  }

  #seconds(): number {
    return Math.round((performance.now() - this.#since) / 100) / 10
  }

  #show(said: string): void {
    this.say(said)
    this.#queue.dropExpired(this.supply === 'lost' ? 0 : Date.now())
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

  get #inHand(): Lease[] {
    const shown = this.#queue.shown
    return shown && !shown.said ? [shown.lease, ...this.#queue.ahead] : this.#queue.ahead
  }

  #refreshShown(): void {
    const entry = this.#queue.shown
    const lease = entry?.lease ?? null
    if (lease?.lease_id !== this.shown?.lease.lease_id) this.#since = performance.now()
    this.shown = entry ? { lease: entry.lease, said: entry.said } : null
    this.ahead = this.#queue.ahead
    this.canUndo = this.#queue.canUndo
    if (this.#author) void keepLeases(this.campaign.slug, this.#author, this.#inHand)
  }

  #sendSkip(): void {
    const lease = this.#skipping
    this.#skipping = null
    // If this fails the lease runs out by itself and the tile goes to others then.
    if (lease) void api.skip(lease.lease_id).catch(() => undefined)
  }

  #every(milliseconds: number, work: () => Promise<void>): void {
    const timer = setInterval(() => void work(), milliseconds)
    this.#stops.push(() => clearInterval(timer))
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
