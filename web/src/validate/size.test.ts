import { describe, expect, it } from 'vitest'
import { proposedSample } from './size'

describe('the sample that is proposed', () => {
  it('is three hundred where there are enough tiles', () => {
    expect(proposedSample({ tiles: 9000, closed: 4000 })).toEqual({ size: 300, floor: 20 })
  })
  it('asks for no more tiles than are closed, and for parts that fit into it', () => {
    expect(proposedSample({ tiles: 120, closed: 90 })).toEqual({ size: 90, floor: 15 })
    expect(proposedSample({ tiles: 49, closed: 0 })).toEqual({ size: 49, floor: 8 })
    expect(proposedSample({ tiles: 1, closed: 0 })).toEqual({ size: 2, floor: 2 })
  })
})
