import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ApiError } from '../../../client'
import { keep } from '../../../kept'
import type { Job, Settings } from '../calls'
import type { Setup } from '../setup.svelte'
import { TilingDraft, type Wanted } from './tiling.svelte'

const FIRST: Wanted = { tiles: { source: 'cells', zoom: null, margin: 0.6, least_m: 30 }, area: null }
const jobOf = (state: Job['state'], message = '') => ({ id: 'j', kind: 'tiles', state, message }) as Job

/** A setup whose server cuts at once, in a job, or not at all. */
class Desk {
  slug = 'c'
  fixed = false
  jobs: Job[] = []
  held = FIRST
  sent: Partial<Wanted>[] = []
  answer: () => Job | null | ApiError = () => null
  get draft() {
    return { settings: this.held, take: ({ settings }: { settings: Settings }) => (this.held = settings) }
  }
  follow = (job: Job) => (this.jobs = [job])
  calls = {
    cut: (changes: Partial<Wanted>) => {
      this.sent.push(changes)
      const job = this.answer()
      if (job instanceof ApiError) return Promise.reject(job)
      const settings = { ...this.held, ...changes }
      return Promise.resolve({ job, held: { settings, revision: '' } })
    },
  }
}
let desk: Desk
const make = () => new TilingDraft(desk as unknown as Setup)
const rest = () => vi.advanceTimersByTimeAsync(2000)

beforeEach(() => {
  vi.useFakeTimers()
  desk = new Desk()
  keep('tiling/c', '')
})
afterEach(() => vi.useRealTimers())

describe('the tiling', () => {
  it('is sent once the hand rests, and only what changed', async () => {
    const tiling = make()
    for (const zoom of [14, 15, 16]) tiling.set({ zoom })
    expect([tiling.cutting, tiling.now.tiles.zoom]).toEqual(['unsaved', 16])
    await rest()
    expect(desk.sent).toEqual([{ tiles: { ...FIRST.tiles, zoom: 16 } }])
    expect([tiling.cutting, desk.held.tiles.zoom]).toEqual(['resting', 16])
  })

  it('stands as wanted while the server cuts, and rests when that is done', async () => {
    desk.answer = () => jobOf('waiting')
    const tiling = make()
    tiling.set({ zoom: 16 })
    await rest()
    expect([tiling.cutting, tiling.now.tiles.zoom, desk.held.tiles.zoom]).toEqual(['cutting', 16, null])
    desk.jobs = [jobOf('done')]
    desk.held = { ...FIRST, tiles: { ...FIRST.tiles, zoom: 16 } }
    tiling.watch()
    expect([tiling.cutting, tiling.now.tiles.zoom]).toEqual(['resting', 16])
  })

  it('goes back to what holds when the cutting failed, and says why', async () => {
    desk.answer = () => jobOf('running')
    const tiling = make()
    tiling.set({ zoom: 21 })
    await rest()
    desk.jobs = [jobOf('failed', 'too many tiles')]
    tiling.watch()
    expect([tiling.cutting, tiling.error?.detail, tiling.now.tiles.zoom]).toEqual(['fault', 'too many tiles', null])
  })

  it('waits out a lost line, and is found again after a reload', async () => {
    desk.answer = () => new ApiError(0, 'offline', '')
    const tiling = make()
    tiling.set({ zoom: 16 })
    await rest()
    expect(tiling.cutting).toBe('offline')
    desk.answer = () => null
    const later = make()
    expect(later.now.tiles.zoom).toBe(16)
    await rest()
    expect([later.cutting, desk.held.tiles.zoom]).toEqual(['resting', 16])
    expect(make().cutting).toBe('resting')
  })

  it('keeps a refused value in sight with the reason', async () => {
    desk.answer = () => new ApiError(422, 'invalid', 'no area', 'area')
    const tiling = make()
    tiling.set({ area: { type: 'Polygon', coordinates: [] } })
    await rest()
    expect([tiling.cutting, tiling.error?.field]).toEqual(['fault', 'area'])
    tiling.set({ area: null })
    await rest()
    expect([tiling.cutting, tiling.error]).toEqual(['resting', null])
  })
})
