import { describe, expect, it } from 'vitest'
import { disagreement, done } from './squares'

const tiles = { open: 0, settled: 0, contested: 0, reviewed: 0, unusable: 0 }

describe('a square of the small maps', () => {
  it('is as far as its tiles are', () => {
    expect(done({ tiles: { ...tiles, open: 3, settled: 1 } })).toBe(0.25)
    expect(done({ tiles: { ...tiles, contested: 1, unusable: 1 } })).toBe(1)
    expect(done({ tiles })).toBeNull()
  })
  it('says nothing of agreement where nothing can be compared', () => {
    expect(disagreement({ disagreement: null })).toBeNull()
    expect(disagreement({ disagreement: 0 })).toBe(0)
    expect(disagreement({ disagreement: 0.9 })).toBe(1)
  })
})
