import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { open, Source } from './events.fake'
import { hearJobs, hearVolunteers } from './news'

describe('news of jobs', () => {
  let [looks, waiting] = [0, true]
  let stop = () => undefined as void
  const begin = (how: typeof open | null = open) => {
    stop = hearJobs('a b', { waits: () => waiting, look: async () => void (looks += 1) }, how)
  }
  beforeEach(() => {
    vi.useFakeTimers()
    ;[looks, waiting, Source.all] = [0, true, []]
  })
  afterEach(() => {
    stop()
    vi.useRealTimers()
  })

  it('are looked at when the server tells, and hardly ever otherwise', async () => {
    begin()
    expect(Source.all[0]?.url).toBe('/api/v1/campaigns/a%20b/events')
    Source.all[0]?.onopen()
    await vi.advanceTimersByTimeAsync(15_000)
    expect(looks).toBe(0)
    Source.all[0]?.send('jobs')
    await vi.advanceTimersByTimeAsync(0)
    expect(looks).toBe(1)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(looks).toBeLessThanOrEqual(4)
  })
  it('are asked for every two seconds where events are refused, while something is under way', async () => {
    begin()
    Object.assign(Source.all[0] as Source, { readyState: 2 }).onerror()
    await vi.advanceTimersByTimeAsync(10_100)
    expect(looks).toBeGreaterThanOrEqual(4)
    expect(Source.all).toHaveLength(1)
    ;[waiting, looks] = [false, 0]
    await vi.advanceTimersByTimeAsync(60_000)
    expect(looks).toBe(0)
    expect(Source.all.length, 'events are tried again').toBeGreaterThan(1)
  })
  it('are asked for in a browser without events too', async () => {
    begin(null)
    await vi.advanceTimersByTimeAsync(4_100)
    expect(looks).toBeGreaterThanOrEqual(1)
  })
  it('end with the page', async () => {
    begin()
    stop()
    Source.all[0]?.send('jobs')
    await vi.advanceTimersByTimeAsync(10_000)
    expect([looks, Source.all[0]?.readyState]).toEqual([0, 2])
  })
})

describe('news of volunteers', () => {
  let [looks, running] = [0, false]
  let stop = () => undefined as void
  beforeEach(() => {
    vi.useFakeTimers()
    ;[looks, running, Source.all] = [0, false, []]
    stop = hearVolunteers('raqqa', { waits: () => true, urgent: () => running, look: async () => void (looks += 1) }, open)
    Source.all[0]?.onopen()
  })
  afterEach(() => {
    stop()
    vi.useRealTimers()
  })

  it('are read again as soon as somebody answers, and not for every answer of a busy hour', async () => {
    await vi.advanceTimersByTimeAsync(5_000)
    expect(looks).toBe(0)
    for (const kind of ['labels', 'model', 'state']) {
      looks = 0
      Source.all[0]?.send(kind)
      await vi.advanceTimersByTimeAsync(0)
      expect(looks, kind).toBe(1)
      await vi.advanceTimersByTimeAsync(5_000)
    }
    looks = 0
    for (let second = 0; second < 30; second += 1) {
      Source.all[0]?.send('labels')
      await vi.advanceTimersByTimeAsync(1_000)
    }
    expect(looks).toBeGreaterThanOrEqual(7)
    expect(looks).toBeLessThanOrEqual(11)
  })
  it('that come while it is read are read at last', async () => {
    await vi.advanceTimersByTimeAsync(5_000)
    Source.all[0]?.send('labels')
    Source.all[0]?.send('labels')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(looks).toBe(1)
    await vi.advanceTimersByTimeAsync(3_000)
    expect(looks).toBe(2)
  })
  it('are asked for while something goes on that no event tells, and otherwise twice a minute', async () => {
    await vi.advanceTimersByTimeAsync(60_000)
    expect(looks).toBeLessThanOrEqual(2)
    ;[running, looks] = [true, 0]
    await vi.advanceTimersByTimeAsync(30_000)
    expect(looks).toBeGreaterThanOrEqual(8)
  })
})
