import { describe, expect, it } from 'vitest'
import type { Lease } from '../api'
import { centreOf, fittingResolution, mercator, mercatorBox, ringsOf, slide, viewBox } from './compare'

const frame = (scene_id: string) => ({ scene_id, captured_from: '2025-06-15T00:00:00Z', captured_to: '2025-06-15T00:00:00Z' })
const lease = (scenes: string[], footprint: unknown = null) => ({
  lease_id: 'l', tile: { id: 't', bbox: [0, 0, 90, 45], footprint }, frames: scenes.map(frame), expires_at: '2030-01-01T00:00:00Z',
}) as Lease

describe('web mercator', () => {
  it('puts known places where they are', () => {
    expect(mercator([0, 0])[1]).toBeCloseTo(0, 6)
    expect(mercator([180, 0])[0]).toBeCloseTo(20037508.342789, 3)
    // 45° N: R · ln(tan(67.5°)), computed apart from this code.
    expect(mercator([0, 45])[1]).toBeCloseTo(5621521.486192, 3)
    expect(mercatorBox([0, 0, 90, 45])[2]).toBeCloseTo(10018754.171394, 3)
  })
})

describe('fitting', () => {
  it('leaves room around the tile on the shorter side', () => {
    expect(fittingResolution([0, 0, 800, 800], 1000, 2000)).toBeCloseTo(1, 9)
    expect(fittingResolution([0, 0, 800, 100], 3000, 1000)).toBeCloseTo(1, 9)
  })
  it('a view shows as much to every side of its centre', () => {
    expect(viewBox(centreOf([0, 0, 10, 20]), 2, 10, 30)).toEqual([-5, -20, 15, 40])
  })
})

describe('the slider', () => {
  it('stops before it is out of reach', () => {
    expect(slide(0.5, 0.1)).toBeCloseTo(0.6)
    expect(slide(0.95, 1)).toBe(0.98)
    expect(slide(0.05, -1)).toBe(0.02)
  })
})

describe('a lease', () => {
  it('draws its footprint, also one of several parts, and nothing for what is no polygon', () => {
    const ring = [[0, 0], [1, 0], [1, 1], [0, 0]]
    expect(ringsOf(lease([], { type: 'Polygon', coordinates: [ring] }).tile).footprint.length).toBe(1)
    expect(ringsOf(lease([], { type: 'MultiPolygon', coordinates: [[ring], [ring]] }).tile).footprint.length).toBe(2)
    expect(ringsOf(lease([], { type: 'Point', coordinates: [0, 0] }).tile).footprint).toEqual([])
    expect(ringsOf(lease([]).tile).square.length).toBe(4)
  })
})
