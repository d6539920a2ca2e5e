import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { open, Source } from '../events.fake'
import { watch } from './live'

describe('a dashboard that watches', () => {
  let looks = 0
  let live: boolean[] = []
  let stop = () => undefined as void
  beforeEach(() => {
    vi.useFakeTimers()
    vi.stubGlobal('document', { visibilityState: 'visible' })
    ;[looks, live, Source.all] = [0, [], []]
    stop = watch('raqqa', { look: async () => void (looks += 1), onlive: (now) => live.push(now) }, open)
  })
  afterEach(() => {
    stop()
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })

  it('looks at most once a second, however much happens', async () => {
    await vi.advanceTimersByTimeAsync(300)
    Source.all[0]?.onopen()
    looks = 0
    for (let step = 0; step < 100; step += 1) {
      Source.all[0]?.send('labels')
      await vi.advanceTimersByTimeAsync(100)
    }
    expect(looks).toBeGreaterThanOrEqual(8)
    expect(looks).toBeLessThanOrEqual(10)
    expect(live).toEqual([true])
  })
  it('asks seldom where nothing happens, and nothing while nobody sees it', async () => {
    await vi.advanceTimersByTimeAsync(300)
    Source.all[0]?.onopen()
    looks = 0
    await vi.advanceTimersByTimeAsync(30_000)
    expect(looks).toBeLessThanOrEqual(4)
    vi.stubGlobal('document', { visibilityState: 'hidden' })
    looks = 0
    await vi.advanceTimersByTimeAsync(30_000)
    expect(looks).toBe(0)
  })
  it('asks by itself where events are refused, and tries them again later', async () => {
    await vi.advanceTimersByTimeAsync(300)
    const source = Source.all[0] as Source
    source.readyState = 2
    source.onerror()
    looks = 0
    await vi.advanceTimersByTimeAsync(20_000)
    expect(looks).toBeGreaterThanOrEqual(4)
    expect(Source.all.length).toBe(1)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(Source.all.length).toBe(2)
  })
  it('ends when it is left', async () => {
    stop()
    looks = 0
    await vi.advanceTimersByTimeAsync(10_000)
    expect(looks).toBe(0)
  })
})
