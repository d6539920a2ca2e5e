import { describe, expect, it } from 'vitest'
import { byInterval, fromFirst, histogram } from './figures'

const atLeast = (values: number[]) => Array.from({ length: 101 }, (_, step) => values.filter((value) => value >= step / 100).length)

describe('histogram', () => {
  it('puts every tile into one bar, certainty itself into the last', () => {
    const bars = histogram(atLeast([0, 0.05, 0.349, 0.35, 0.999, 1, 1]), 5)
    expect(bars).toHaveLength(20)
    expect(bars.reduce((sum, { tiles }) => sum + tiles, 0)).toBe(7)
    expect([bars[0]?.tiles, bars[1]?.tiles, bars[6]?.tiles, bars[7]?.tiles, bars[19]?.tiles]).toEqual([1, 1, 1, 1, 3])
  })
  it('begins where there is something', () => {
    expect(fromFirst(histogram(atLeast([0.5]), 10))[0]).toEqual({ from: 50, to: 60, tiles: 1 })
    expect(fromFirst(histogram(atLeast([]), 10))).toHaveLength(10)
  })
})

describe('damage by interval', () => {
  const scenes = ['1', '2', '3'].map((id) => ({ id }))
  const window = (last_intact: string | null, first_damaged: string | null, tiles: number) => ({ last_intact, first_damaged, tiles })
  it('counts a window where it ends, and apart what was damaged before the first image', () => {
    const found = byInterval([window('1', '2', 4), window('1', '3', 2), window('2', '3', 1), window(null, '1', 7)], scenes)
    expect(found).toEqual({ intervals: [{ from: '1', to: '2', tiles: 4 }, { from: '2', to: '3', tiles: 3 }], before: 7 })
  })
})
