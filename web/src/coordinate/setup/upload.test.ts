import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ApiError } from '../../client'
import { Sha256, sumOf } from './sha256'
import { dayIn, LEAST, MOST, nextSize, resumable, Sender, type Carrier, type Course, type Upload } from './upload'

const bytes = (length: number) => Uint8Array.from({ length }, (_, place) => (place * 31 + (place >> 8)) & 255)
const offline = () => new ApiError(0, 'offline', '')

/** A server that keeps what arrives, and fails as told. */
class Far implements Carrier {
  kept: Uint8Array[] = []
  fail: (call: number) => ApiError | null = () => null
  /** Pieces that arrive although their answer is lost. */
  swallow = false
  sends = 0
  looks = 0
  upload: Upload
  constructor(size: number) {
    this.upload = { id: 'u', file_name: 'a.tif', bytes: size, received: 0, sha256: null, state: 'receiving', created_at: '2026-01-01T00:00:00Z', changed_at: '2026-01-01T00:00:00Z' }
  }
  look = () => {
    this.looks += 1
    return Promise.resolve(this.upload)
  }
  send = async (_: string, offset: number, piece: Blob) => {
    this.sends += 1
    const failure = this.fail(this.sends)
    if (failure && !this.swallow) throw failure
    if (offset !== this.upload.received) throw new ApiError(409, 'wrong_offset', '')
    this.kept.push(new Uint8Array(await piece.arrayBuffer()))
    const received = offset + piece.size
    this.upload = { ...this.upload, received, state: received === this.upload.bytes ? 'complete' : 'receiving' }
    if (failure) throw failure
    return this.upload
  }
  get all() {
    return Buffer.concat(this.kept)
  }
}

let far: Far
let seen: Course[]
const SIZE = 5 * 1024 * 1024 + 17
const DATA = bytes(SIZE)
const sender = () => new Sender(new Blob([DATA]), far.upload, far, (course) => seen.push(course), () => Date.now())

beforeEach(() => {
  vi.useFakeTimers()
  far = new Far(SIZE)
  seen = []
})
afterEach(() => vi.useRealTimers())

/** Lets a transfer run on, however often it waits. */
async function through(run: Promise<void>): Promise<void> {
  let over = false
  void run.then(() => (over = true))
  for (let round = 0; round < 400 && !over; round += 1) await vi.advanceTimersByTimeAsync(1000)
}

describe('a file on its way', () => {
  it('arrives whole and in order', async () => {
    await through(sender().start())
    expect(far.all.equals(Buffer.from(DATA))).toBe(true)
    expect(seen.at(-1)).toMatchObject({ phase: 'complete', received: SIZE })
    expect(far.sends).toBeGreaterThan(1)
  })

  it('waits out a lost line and goes on where the server is', async () => {
    far.fail = (call) => (call % 2 === 0 ? offline() : null)
    await through(sender().start())
    expect(far.all.equals(Buffer.from(DATA))).toBe(true)
    expect(seen.some(({ phase }) => phase === 'waiting')).toBe(true)
    expect(seen.at(-1)?.phase).toBe('complete')
  })

  it('sends nothing twice where only the answer was lost', async () => {
    far.swallow = true
    far.fail = (call) => (call % 2 === 0 ? offline() : null)
    await through(sender().start())
    expect(far.all.equals(Buffer.from(DATA))).toBe(true)
    expect(far.sends).toBe(far.kept.length)
  })

  it('goes on after a reload with what is there already', async () => {
    const half = sender()
    far.fail = (call) => (call === 3 ? (half.pause(), offline()) : null)
    await through(half.start())
    expect(half.course.phase).toBe('paused')
    const before = far.upload.received
    expect(before).toBeGreaterThan(0)
    expect(resumable({ name: 'a.tif', size: SIZE }, [far.upload])?.id).toBe('u')
    far.fail = () => null
    await through(sender().start())
    expect(far.all.equals(Buffer.from(DATA))).toBe(true)
  })

  it('pauses at once and starts again', async () => {
    const one = sender()
    const run = one.start()
    one.pause()
    await through(run)
    expect(one.course.phase).toBe('paused')
    await through(one.start())
    expect(one.course.phase).toBe('complete')
  })

  it('stops with the reason when the server will not have it', async () => {
    for (const error of [new ApiError(507, 'no_space', 'no room'), new ApiError(422, 'invalid', 'another file', 'sha256'), new ApiError(404, 'not_found', '')]) {
      far = new Far(SIZE)
      far.fail = (call) => (call === 2 ? error : null)
      const one = sender()
      await through(one.start())
      expect(one.course).toMatchObject({ phase: 'failed', error })
    }
  })

  it('does not wait for ever for somebody else who sends the same file', async () => {
    far.fail = () => new ApiError(409, 'conflict', 'another request is sending this one')
    const one = sender()
    await through(one.start())
    expect(one.course).toMatchObject({ phase: 'failed', error: { code: 'conflict' } })
  })

  it('asks for pieces that take a few seconds, within limits', () => {
    expect(nextSize(1_000_000, 5_000)).toBe(500_000)
    expect(nextSize(1_000_000, 10)).toBe(2_000_000)
    expect([nextSize(LEAST, 60_000), nextSize(MOST, 1)]).toEqual([LEAST, MOST])
  })

  it('is known again by name, length and sum', () => {
    const upload = { ...far.upload, sha256: 'aa' }
    expect(resumable({ name: 'a.tif', size: SIZE }, [upload], 'aa')).toBe(upload)
    expect(resumable({ name: 'a.tif', size: SIZE }, [upload], 'bb')).toBe(null)
    expect(resumable({ name: 'b.tif', size: SIZE }, [upload])).toBe(null)
    expect(resumable({ name: 'a.tif', size: SIZE - 1 }, [upload])).toBe(null)
  })
})

describe('the sum of a file', () => {
  it('is that of the reference, for every length around a block, and in pieces', () => {
    const reference = (data: Uint8Array) => createHash('sha256').update(data).digest('hex')
    for (const length of [0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 128, 1000]) expect(new Sha256().update(bytes(length)).digest(), String(length)).toBe(reference(bytes(length)))
    const pieces = new Sha256()
    for (const [from, to] of [[0, 3], [3, 70], [70, 128], [128, 1000]]) pieces.update(bytes(1000).subarray(from, to))
    expect(pieces.digest()).toBe(reference(bytes(1000)))
  })

  it('is read piece by piece, says how far, and can be stopped', async () => {
    const shares: number[] = []
    expect(await sumOf(new Blob([DATA]), (share) => shares.push(share))).toBe(createHash('sha256').update(DATA).digest('hex'))
    expect(shares).toEqual([expect.closeTo(0.8, 2), 1])
    const stop = AbortSignal.abort(new Error('stopped'))
    await expect(sumOf(new Blob([DATA]), undefined, stop)).rejects.toThrow('stopped')
  })
})

describe('a day in the name of a file', () => {
  it('is found however it is written, and never made up', () => {
    expect(['madre_2025-06-15.tif', 'S2A_20250615T103021.tif', 'a_2025_06_15_b.tif', '2025.06.15.tif'].map(dayIn)).toEqual(Array(4).fill('2025-06-15'))
    expect(['before.tif', '2025-13-01.tif', '20250231.tif', '120250615.tif', 'x-2025-06.tif'].map(dayIn)).toEqual(Array(5).fill(null))
  })
})
