// The tiles of one sitting in the order in which they are shown: what was answered, what is shown, what waits.
// Pure: it neither asks the server nor knows the time; the sitting does both.
import type { Lease, Window } from '../api'

/** What is said about a tile: the answer, in a timeline its window, a remark, and whether the coordinator is to look. */
export interface Said {
  answer: string
  window?: Window
  note?: string
  flagged?: boolean
}

export interface Entry {
  lease: Lease
  /** What was said, null while nothing is. */
  said: Said | null
  skipped: boolean
}

/** How many answered tiles stay within reach of undo. */
export const REMEMBERED = 20
/** Tiles asked for at once, and how many wait at least before more are asked for. */
export const ASK = 5
export const KEEP_AHEAD = 2

export class Queue {
  #entries: Entry[] = []
  #at = 0
  #seen = new Set<string>()

  /** Leases whose answers already lie in the outbox (after a reload) are not shown again. */
  constructor(answeredLeases: Iterable<string> = []) {
    for (const id of answeredLeases) this.#seen.add(id)
  }

  get shown(): Entry | null {
    return this.#entries[this.#at] ?? null
  }
  /** Tiles that wait behind the shown one, nearest first. */
  get ahead(): Lease[] {
    return this.#entries.slice(this.#at + 1).filter(isWaiting).map((entry) => entry.lease)
  }
  get canUndo(): boolean {
    return this.#at > 0
  }
  get wantsMore(): boolean {
    return this.ahead.length < KEEP_AHEAD
  }

  /** Adds leases that are new here; the server hands out open leases again, so most repeats are harmless. Returns how many were new. */
  add(leases: Lease[]): number {
    const fresh = leases.filter((lease) => !this.#seen.has(lease.lease_id))
    for (const lease of fresh) {
      this.#seen.add(lease.lease_id)
      this.#entries.push({ lease, said: null, skipped: false })
    }
    return fresh.length
  }

  /** Notes the answer to the shown tile and moves to the next one that waits. Returns the entry, or null where nothing changed. */
  answer(said: Said): Entry | null {
    const entry = this.shown
    if (!entry) return null
    const changed = JSON.stringify(entry.said) !== JSON.stringify(said)
    entry.said = said
    entry.skipped = false
    this.#advance()
    return changed ? entry : null
  }

  /** Leaves the shown tile without an answer. Returns it; null where it was answered before, which a skip does not undo. */
  skip(): Entry | null {
    const entry = this.shown
    if (!entry) return null
    const skipped = entry.said === null
    entry.skipped = skipped
    this.#advance()
    return skipped ? entry : null
  }

  /** Shows the tile before this one again, with its answer. Returns it; null at the beginning. */
  undo(): Entry | null {
    if (!this.canUndo) return null
    this.#at -= 1
    const entry = this.shown
    if (entry) entry.skipped = false
    return entry
  }

  /** Drops waiting tiles whose lease ends before `now` (RFC 3339 of the server's leases, ms here); the shown one stays, an answer to it still counts if a place is free. */
  dropExpired(now: number): void {
    this.#entries = this.#entries.filter((entry, place) => {
      const late = place > this.#at && isWaiting(entry) && Date.parse(entry.lease.expires_at) <= now
      if (late) this.#seen.delete(entry.lease.lease_id)
      return !late
    })
  }

  /** Notes until when leases go on: lease id → RFC 3339. */
  renew(ends: Map<string, string>): void {
    for (const entry of this.#entries) {
      const until = ends.get(entry.lease.lease_id)
      if (until) entry.lease = { ...entry.lease, expires_at: until }
    }
  }

  #advance(): void {
    do this.#at += 1
    while (this.#at < this.#entries.length && !isWaiting(this.#entries[this.#at] as Entry))
    const forgotten = Math.max(0, this.#at - REMEMBERED)
    this.#entries.splice(0, forgotten)
    this.#at -= forgotten
  }
}

function isWaiting(entry: Entry): boolean {
  return entry.said === null && !entry.skipped
}
