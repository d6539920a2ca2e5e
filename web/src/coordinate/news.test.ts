import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { open, Source } from './events.fake'
import { hearJobs } from './news'

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
