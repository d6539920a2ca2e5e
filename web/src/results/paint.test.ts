import { describe, expect, it } from 'vitest'
import { luminance } from '../design/palette'
import { paintSquare, paintTile, whenColour, type Scheme } from './paint'

const scheme = (change: Partial<Scheme> = {}): Scheme => ({ paint: 'class', theme: 'light', ordered: true, classes: ['none', 'damaged', 'destroyed'], days: ['2017-06-20', '2017-07-03', '2017-08-01'], damagedIf: 0.5, ...change })

describe('paint of a tile', () => {
  it('says the class by colour and by hatching', () => {
    const painted = ['none', 'damaged', 'destroyed'].map((key) => paintTile({ class: key, state: 'settled' }, scheme()))
    expect(painted.map(({ density }) => density)).toEqual([0, 0.5, 1])
    expect(new Set(painted.map(({ colour }) => colour)).size).toBe(3)
  })
  it('gives nothing away where nothing is known, and marks what is no finding yet', () => {
    expect(paintTile({ state: 'open' }, scheme())).toEqual({ colour: null, density: 0, provisional: false })
    expect(paintTile({ state: 'open', class: 'damaged' }, scheme()).provisional).toBe(true)
    expect(paintTile({ state: 'settled', class: 'damaged' }, scheme()).provisional).toBe(false)
  })
  it('follows the threshold', () => {
    const at = (damagedIf: number) => paintTile({ state: 'settled', class: 'none', damaged_probability: 0.35 }, scheme({ paint: 'damaged', damagedIf })).density
    expect([at(0.36), at(0.35), at(0)]).toEqual([0, 1, 1])
  })
  it('is darker the earlier it happened, and blank where it did not', () => {
    const tones = ['2017-06-20', '2017-07-03', '2017-08-01'].map((day) => luminance(whenColour(day, scheme()).colour as string))
    expect(tones).toEqual([...tones].sort((a, b) => a - b))
    expect(paintTile({ state: 'settled', class: 'none' }, scheme({ paint: 'when' })).colour).toBeNull()
  })
})

describe('paint of a square of many tiles', () => {
  const square = { tiles: 10, tiles_none: 4, tiles_damaged: 2, tiles_destroyed: 2, without_class: 2, damaged: 4, date_after: '2017-07-03' }
  it('is the mean of the classes, the share of damaged ones, or the date of most', () => {
    expect(paintSquare(square, scheme()).density).toBeCloseTo(0.375)
    expect(paintSquare(square, scheme({ paint: 'damaged' })).density).toBe(0.5)
    expect(paintSquare(square, scheme({ paint: 'when' })).colour).toBe(whenColour('2017-07-03', scheme()).colour)
  })
  it('is striped where more tiles wait for experts than are decided, and has no class colour where most are unusable', () => {
    const few = { tiles_none: 1, tiles_damaged: 1 }
    for (const paint of ['class', 'damaged', 'when'] as const) {
      expect(paintSquare({ ...few, contested: 3 }, scheme({ paint }))).toEqual(paintTile({ state: 'contested' }, scheme({ paint })))
      expect(paintSquare({ ...few, unusable: 3 }, scheme({ paint }))).toEqual(paintTile({ state: 'unusable' }, scheme({ paint })))
    }
    expect(paintSquare({ ...few, contested: 2, unusable: 2 }, scheme()).density).toBeCloseTo(0.25)
    expect(paintSquare({ contested: 1, without_class: 9 }, scheme()).always).toBe(true)
  })
  it('is blank where no tile has a class', () => {
    expect(paintSquare({ tiles: 3, without_class: 3 }, scheme()).colour).toBeNull()
  })
})
