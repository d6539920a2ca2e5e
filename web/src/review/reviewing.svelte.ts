// One sitting of a reviewer: the tiles that wait, the decision on its way, the last one to take back.
import { ApiError } from '../api'
import { tOf } from '../i18n'
import type { Said } from '../label/queue'
import { uuidV7 } from '../label/uuid'
import { calls, type ReviewReceipt, type ReviewTile } from './calls'

/** Tiles asked for at a time, and most that the server gives. */
const AT_ONCE = 4
const MOST = 20
/** A tile in view is held anew this often. */
const HOLD_MS = 90_000

export interface Last {
  tile: ReviewTile
  said: Said
  receipt: ReviewReceipt
}

export class Reviewing {
  tiles = $state.raw<ReviewTile[]>([])
  waiting = $state(0)
  forOthers = $state(0)
  /** What was decided before about the tile in view, when it was taken back or is mine. */
  given = $state.raw<Said | null>(null)
  note = $state('')
  busy = $state(true)
  problem = $state('')
  decided = $state(0)
  last = $state.raw<Last | null>(null)
  shown = $derived(this.tiles[0] ?? null)

  #passed = new Set<string>()
  #ids = new Map<string, string>()
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(readonly slug: string) {}

  /** Begins with the queue, or with one tile that somebody wants to see. */
  async start(tile = ''): Promise<void> {
    this.#timer ??= setInterval(() => void this.#hold(), HOLD_MS)
    await this.#attempt(async () => {
      if (tile) this.#show(await calls.tile(this.slug, tile))
      await this.#fetch()
    })
  }
  stop(): void {
    clearInterval(this.#timer)
  }

  async decide(said: Said): Promise<void> {
    const tile = this.shown
    if (!tile || this.busy) return
    const id = tile.tile.id
    await this.#attempt(async () => {
      // The same decision keeps its id until the server has it; another one is another.
      const what = JSON.stringify([id, said.answer, said.window, this.note])
      const key = this.#ids.get(what) ?? uuidV7()
      this.#ids.set(what, key)
      const receipt = await calls.decide(this.slug, { id: key, tile: id, answer: said.answer, note: this.note.trim(), ...(said.window && { window: said.window }) })
      this.#ids.delete(what)
      this.last = { tile, said, receipt }
      this.decided += 1
      this.#passed.delete(id)
      this.#next(id)
      await this.#fetch()
    })
  }

  /** Leaves the tile in view to somebody else for this sitting. */
  async pass(): Promise<void> {
    const tile = this.shown
    if (!tile || this.busy) return
    this.#passed.add(tile.tile.id)
    this.#next(tile.tile.id)
    await this.#attempt(() => this.#fetch())
  }

  /** Takes the last decision back and shows its tile again, with what all say of it now. */
  async takeBack(): Promise<void> {
    const last = this.last
    if (!last || this.busy) return
    await this.#attempt(async () => {
      await calls.withdraw(this.slug, last.receipt.id)
      this.last = null
      this.#show(await calls.tile(this.slug, last.tile.tile.id))
      await this.#fetch()
      this.decided -= 1
    })
  }

  #show(tile: ReviewTile): void {
    this.tiles = [tile, ...this.tiles.filter((other) => other.tile.id !== tile.tile.id)]
    const mine = tile.reviews.filter((one) => one.mine && one.standing !== 'withdrawn').at(-1)
    this.given = mine ? { answer: mine.answer, ...(mine.window && { window: mine.window }) } : null
    this.note = ''
    void this.#hold()
  }
  #next(id: string): void {
    this.tiles = this.tiles.filter((other) => other.tile.id !== id)
    this.given = null
    this.note = ''
    void this.#hold()
  }

  async #fetch(): Promise<void> {
    const before = this.shown?.tile.id
    const queue = await calls.queue(this.slug, Math.min(MOST, AT_ONCE + this.#passed.size))
    ;[this.waiting, this.forOthers] = [queue.waiting, queue.for_others]
    const fresh = queue.tiles.filter(({ tile }) => !this.#passed.has(tile.id))
    // What is in view stays in view, whatever the queue says meanwhile.
    const kept = this.tiles.filter(({ tile }) => tile.id === before)
    this.tiles = [...kept, ...fresh.filter(({ tile }) => tile.id !== before)]
    if (this.shown?.tile.id !== before) await this.#hold()
  }
  async #hold(): Promise<void> {
    const tile = this.shown
    // A hold is a courtesy: deciding works without it.
    if (tile) await calls.hold(this.slug, tile.tile.id).catch(() => undefined)
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    this.busy = true
    this.problem = ''
    try {
      await work()
    } catch (error) {
      const known = error instanceof ApiError
      this.problem = known && !error.passing ? error.detail : tOf('problem', known ? error.code : 'unavailable')
    }
    this.busy = false
  }
}
