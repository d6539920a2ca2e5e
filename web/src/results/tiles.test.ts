import { describe, expect, it } from 'vitest'
import { countByClass, passes, tilesOf, type Filter } from './tiles'

const feature = (properties: object | null) => ({ type: 'Feature', geometry: null, properties })
const document = {
  features: [
    feature({ tile_id: 'a', state: 'settled', class: 'destroyed', probability: 0.9 }),
    feature({ tile_id: 'b', state: 'settled', class: 'destroyed', probability: 0.6 }),
    feature({ tile_id: 'c', state: 'open', class: null, probability: null }),
    feature(null),
  ],
}
const filter = (change: Partial<Filter> = {}): Filter => ({ classes: new Set(['destroyed']), undecided: true, minProbability: 0, ...change })
const shown = (change?: Partial<Filter>) => tilesOf(document).filter((tile) => passes(tile, filter(change))).map((tile) => tile.tile_id)

describe('tiles of the damage map', () => {
  it('are read with nulls where nothing may be seen', () => {
    expect(tilesOf(document)[2]).toMatchObject({ tile_id: 'c', class: null, labels: null })
    expect(tilesOf({ nonsense: true })).toEqual([])
  })
  it('have no finding while they are open, whatever a researcher is told', () => {
    const open = { features: [feature({ tile_id: 'd', state: 'open', class: 'damaged', probability: 0.77 })] }
    expect(tilesOf(open)[0]).toMatchObject({ class: null, probability: 0.77 })
  })
  it('are filtered by class, by certainty and by being undecided', () => {
    expect(shown()).toEqual(['a', 'b', 'c'])
    expect(shown({ minProbability: 0.8 })).toEqual(['a', 'c'])
    expect(shown({ undecided: false })).toEqual(['a', 'b'])
    expect(shown({ classes: new Set() })).toEqual(['c'])
  })
  it('are counted by class', () => {
    expect([...countByClass(tilesOf(document))]).toEqual([['destroyed', 2], ['', 1]])
  })
})
