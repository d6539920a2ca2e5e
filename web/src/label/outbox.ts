// Answers on their way: written down first, sent in order, removed only when the server has acknowledged them.
import { ApiError, type LabelItem, type Lease, type Receipts } from '../api'
import type { Item, Store } from './store'

/** As many as the server takes in one request. */
const BATCH = 50

export type Trouble = 'none' | 'offline' | 'busy' | 'signed-out'
export interface Status {
  /** Neither acknowledged nor refused. */
  unsent: number
  refused: Item[]
  trouble: Trouble
  durable: boolean
}
export interface Wires {
  submit(items: LabelItem[]): Promise<Receipts>
  /** Sends a remark that has no answer. */
  note?(item: Item): Promise<void>
  /** Id of the volunteer who is signed in, or null. */
  who(): string | null
  changed(status: Status): void
  /** Next leases that came with a receipt. */
  leases?(campaign: string, leases: Lease[]): void
  /** Sets the alarm for the next attempt. */
  later(seconds: number, attempt: () => void): void
}

/** Wait before attempt `failures + 1`: doubles from 1 s to at most 60 s, spread by `random` (0 to 1) so that devices do not come in step. */
export function backoffSeconds(failures: number, random: number, retryAfter: number | null = null): number {
  const doubled = Math.min(60, 2 ** Math.max(0, failures - 1))
  return Math.max(retryAfter ?? 0, doubled * (0.5 + random / 2))
}

export class Outbox {
  #items: Item[] = []
  #trouble: Trouble = 'none'
  #failures = 0
  #busy: Promise<void> | null = null
  #alarm = 0
  #oneByOne = false
  /** The device refused to write (full, or the browser closed its database): what is here lives in this page only. */
  #broken = false
  #again = false
  /** Answers that are being written down at this moment: already not saved, not yet to be sent. */
  #writing = 0

  private constructor(
    readonly store: Store,
    readonly wires: Wires,
  ) {}

  /** Opens the outbox with what an earlier visit left in it. */
  static async open(store: Store, wires: Wires): Promise<Outbox> {
    const outbox = new Outbox(store, wires)
    outbox.#items = (await store.all()).sort((a, b) => (a.id < b.id ? -1 : 1))
    outbox.#tell()
    return outbox
  }

  get status(): Status {
    const refused = this.#items.filter((item) => item.refused)
    return { unsent: this.#items.length + this.#writing - refused.length, refused, trouble: this.#trouble, durable: this.store.durable && !this.#broken }
  }
  /** Leases that have an answer here: they need no second look. */
  get answeredLeases(): string[] {
    return this.#items.map((item) => item.lease_id)
  }

  /** Writes an answer down; resolves when this device holds it, or this page where the device cannot. Sending goes on by itself. */
  async put(item: Item): Promise<void> {
    this.#writing += 1
    this.#tell()
    await this.#write(this.store.put([item]))
    this.#writing -= 1
    this.#items.push(item)
    this.#tell()
    void this.flush()
  }

  /** Forgets refused answers that the volunteer has read about. */
  async dismissRefused(): Promise<void> {
    const ids = this.status.refused.map((item) => item.id)
    await this.#remove(ids)
  }

  /** Sends what there is, one request at a time; a call during a request joins it. */
  flush(): Promise<void> {
    this.#alarm += 1
    if (this.#busy) this.#again = true
    this.#busy ??= this.#sendAll().finally(() => {
      this.#busy = null
      // An answer put while the last request was ending would else wait for the next occasion.
      if (this.#again && this.#trouble === 'none') void this.flush()
    })
    return this.#busy
  }

  async #sendAll(): Promise<void> {
    this.#again = false
    for (let batch = this.#batch(); batch.length > 0; batch = this.#batch()) {
      if (!(await this.#send(batch))) return
    }
  }

  #batch(): Item[] {
    const me = this.wires.who()
    const mine = this.#items.filter((item) => !item.refused && item.who === me)
    // Remarks go one by one, answers together; always in the order in which they were given.
    const head = mine[0]
    const kin = mine.findIndex((item) => item.campaign !== head?.campaign || (item.answer === null) !== (head?.answer === null))
    const batch = head?.answer === null ? [head] : mine.slice(0, kin < 0 ? mine.length : kin)
    this.#setTrouble(mine.length === 0 && this.status.unsent > 0 ? 'signed-out' : this.#trouble)
    return batch.slice(0, this.#oneByOne ? 1 : BATCH)
  }

  /** Sends one batch; returns whether to go on with the next. */
  async #send(batch: Item[]): Promise<boolean> {
    try {
      const remark = batch.find((item) => item.answer === null)
      const receipts = remark ? await this.#remark(remark) : await this.wires.submit(batch.map(toWire))
      await this.#settle(batch, receipts)
      this.#failures = 0
      this.#setTrouble('none')
      this.wires.leases?.(batch[0]?.campaign ?? '', receipts.leases ?? [])
      return true
    } catch (error) {
      return this.#fail(batch, error)
    }
  }

  async #remark(item: Item): Promise<Receipts> {
    await this.wires.note?.(item)
    return { results: [{ id: item.id, status: 'stored' }], leases: [] }
  }

  async #settle(batch: Item[], receipts: Receipts): Promise<void> {
    const byId = new Map(receipts.results.map((result) => [result.id.toLowerCase(), result]))
    const answered = batch.filter((item) => byId.has(item.id))
    if (answered.length === 0) throw new ApiError(502, 'unavailable', 'The reply names none of the labels sent.')
    const refused = answered.filter((item) => byId.get(item.id)?.status === 'refused')
    for (const item of refused) {
      const result = byId.get(item.id)
      item.refused = { code: result?.code ?? 'invalid', reason: result?.reason ?? '' }
    }
    await this.#write(this.store.put(refused))
    await this.#remove(answered.filter((item) => !item.refused).map((item) => item.id))
  }

  async #fail(batch: Item[], error: unknown): Promise<boolean> {
    const problem = error instanceof ApiError ? error : new ApiError(500, 'unavailable', String(error))
    if (problem.status === 401) {
      this.#setTrouble('signed-out')
      return false
    }
    if (problem.passing) {
      this.#failures += 1
      this.#setTrouble(problem.status === 0 ? 'offline' : 'busy')
      this.#retry(backoffSeconds(this.#failures, Math.random(), problem.retryAfterSeconds))
      return false
    }
    // The whole request was refused: find the one item that is to blame and keep it with the reason.
    if (batch.length > 1) {
      this.#oneByOne = true
      return true
    }
    for (const item of batch) item.refused = { code: problem.code, reason: problem.detail }
    await this.#write(this.store.put(batch))
    this.#tell()
    return true
  }

  #retry(seconds: number): void {
    const alarm = (this.#alarm += 1)
    this.wires.later(seconds, () => {
      if (alarm === this.#alarm) void this.flush()
    })
  }

  async #remove(ids: string[]): Promise<void> {
    await this.#write(this.store.remove(ids))
    const gone = new Set(ids)
    this.#items = this.#items.filter((item) => !gone.has(item.id))
    this.#tell()
  }

  /** An answer is never lost because the device refuses to write it, and what stays there too long is harmless: the server knows it. */
  async #write(change: Promise<void>): Promise<void> {
    try {
      await change
    } catch {
      this.#broken = true
    }
  }

  #setTrouble(trouble: Trouble): void {
    if (trouble === this.#trouble) return
    this.#trouble = trouble
    this.#tell()
  }
  #tell(): void {
    this.wires.changed(this.status)
  }
}

function toWire({ id, lease_id, answer, seconds, window, note, flagged }: Item): LabelItem {
  return { id, lease_id, answer: answer ?? '', seconds, ...(window && { window }), ...(note && { note }), ...(flagged && { flagged }) }
}
