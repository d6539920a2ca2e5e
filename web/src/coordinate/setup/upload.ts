// Sends a large file in pieces that may each be lost: asks the server how far it is, goes on from there, waits out a lost line.
import type { components } from '../../api.gen'
import { ApiError } from '../../client'

/** A file as the server knows it. */
export type Upload = components['schemas']['Upload']
/** The way to the server. */
export interface Carrier {
  look(id: string, signal: AbortSignal): Promise<Upload>
  send(id: string, offset: number, piece: Blob, signal: AbortSignal): Promise<Upload>
}
export type Phase = 'sending' | 'waiting' | 'paused' | 'complete' | 'failed'
export interface Course {
  phase: Phase
  received: number
  bytes: number
  /** Bytes a second over the last pieces; null while nobody can know. */
  rate: number | null
  secondsLeft: number | null
  /** Why it failed, or why it waits. */
  error: ApiError | null
}

const KB = 1024
export const LEAST = 256 * KB
export const MOST = 16 * KB * KB
/** A piece should take about so long: a broken line then costs little, and the bar moves. */
const PIECE_MS = 2500
const FIRST_WAIT_MS = 1000
const LONGEST_WAIT_MS = 30_000
const BUSY_MS = 2000
/** Rates are taken over so many pieces. */
const REMEMBERED = 5
/** Somebody else sends the same file: after so many looks it is said. */
const PATIENCE = 20

export class Sender {
  #course: Course
  #size = 1024 * KB
  #stop: AbortController | null = null
  #wake: (() => void) | null = null
  #paces: { bytes: number; ms: number }[] = []

  constructor(
    readonly file: Blob,
    upload: Upload,
    readonly carrier: Carrier,
    readonly told: (course: Course) => void,
    readonly now: () => number = () => performance.now(),
  ) {
    this.id = upload.id
    this.#course = { phase: 'paused', received: upload.received, bytes: upload.bytes, rate: null, secondsLeft: null, error: null }
  }
  readonly id: string

  get course(): Course {
    return this.#course
  }

  /** Sends until all is there, it is paused, or the server will not have it. */
  async start(): Promise<void> {
    if (this.#stop || this.#course.phase === 'complete') return
    const stop = (this.#stop = new AbortController())
    try {
      await this.#run(stop.signal)
    } catch (error) {
      if (!stop.signal.aborted) this.#tell({ phase: 'failed', error: error instanceof ApiError ? error : new ApiError(0, 'unreadable', '') })
    } finally {
      if (this.#stop === stop) this.#stop = null
    }
  }
  pause(): void {
    this.#stop?.abort()
    this.#stop = null
    this.#wake?.()
    this.#paces = []
    if (this.#course.phase !== 'complete') this.#tell({ phase: 'paused', rate: null, secondsLeft: null })
  }
  /** The line is back: try at once. */
  nudge(): void {
    this.#wake?.()
  }

  async #run(signal: AbortSignal): Promise<void> {
    let [failures, busy] = [0, 0]
    let upload: Upload | null = null
    while (!signal.aborted) {
      try {
        upload ??= await this.carrier.look(this.id, signal)
        if (signal.aborted) return
        this.#tell({ phase: 'sending', received: upload.received, error: null })
        if (upload.state === 'complete') return this.#tell({ phase: 'complete', received: upload.bytes, rate: null, secondsLeft: null })
        upload = await this.#piece(upload.received, signal)
        failures = busy = 0
      } catch (error) {
        if (signal.aborted) return
        // Whatever went wrong, only the server knows now how far it is.
        upload = null
        if (!(error instanceof ApiError) || !mayPass(error)) throw error
        const taken = error.status === 409
        if (taken && (busy += 1) > PATIENCE) throw error
        if (error.code === 'wrong_offset') continue
        failures += 1
        this.#size = LEAST
        this.#tell({ phase: 'waiting', rate: null, secondsLeft: null, error })
        const pause = taken ? BUSY_MS : Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1))
        await this.#rest(Math.max((error.retryAfterSeconds ?? 0) * 1000, pause))
      }
    }
  }

  async #piece(offset: number, signal: AbortSignal): Promise<Upload> {
    const piece = this.file.slice(offset, offset + this.#size)
    const began = this.now()
    const upload = await this.carrier.send(this.id, offset, piece, signal)
    signal.throwIfAborted()
    const took = Math.max(1, this.now() - began)
    this.#paces = [...this.#paces, { bytes: piece.size, ms: took }].slice(-REMEMBERED)
    if (piece.size === this.#size) this.#size = nextSize(this.#size, took)
    const rate = rateOf(this.#paces)
    this.#tell({ received: upload.received, rate, secondsLeft: rate ? (upload.bytes - upload.received) / rate : null })
    return upload
  }

  #rest(ms: number): Promise<void> {
    return new Promise((done) => {
      const timer = setTimeout(() => this.#wake?.(), ms)
      this.#wake = () => {
        clearTimeout(timer)
        this.#wake = null
        done()
      }
    })
  }
  #tell(news: Partial<Course>): void {
    this.#course = { ...this.#course, ...news }
    this.told(this.#course)
  }
}

/** Whether the same may go well later: not on a full disk, though that is the server's fault. */
const mayPass = (error: ApiError) => error.status !== 507 && (error.passing || error.status === 409)

/** The next piece's size, after one of this size took so long: at most twice or half, within the limits. */
export function nextSize(size: number, took: number): number {
  const wanted = size * Math.min(2, Math.max(0.5, PIECE_MS / took))
  return Math.round(Math.min(MOST, Math.max(LEAST, wanted)))
}

/** Bytes a second over some pieces. */
export function rateOf(paces: { bytes: number; ms: number }[]): number | null {
  const ms = paces.reduce((all, pace) => all + pace.ms, 0)
  return ms > 0 ? (paces.reduce((all, pace) => all + pace.bytes, 0) * 1000) / ms : null
}

/** The upload that this file goes on with: the same name and length, and no other sum. */
export function resumable(file: { name: string; size: number }, uploads: readonly Upload[], sha256: string | null = null): Upload | null {
  return uploads.find((one) => one.file_name === file.name && one.bytes === file.size && (!sha256 || !one.sha256 || one.sha256 === sha256)) ?? null
}

const DATE = /(?<!\d)((?:19|20)\d{2})([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?!\d)/

/** A day that a file's name seems to tell, as `2025-06-15`. */
export function dayIn(name: string): string | null {
  const [, year, , month, day] = DATE.exec(name) ?? []
  if (!year) return null
  const date = `${year}-${month}-${day}`
  const read = new Date(`${date}T00:00:00Z`)
  return !Number.isNaN(read.getTime()) && read.toISOString().startsWith(date) ? date : null
}
