import { describe, expect, it } from 'vitest'
import { formOfShown, NO_LOOK, readLook } from './look'

const read = (typed: Partial<typeof NO_LOOK>) => readLook({ ...NO_LOOK, ...typed })

describe('how a picture is to be shown', () => {
  it('is left to the file where nothing is typed', () => {
    expect(read({})).toEqual({ look: {}, faults: {} })
    expect(read({ bands: ' ', nodata: ' ' })).toEqual({ look: {}, faults: {} })
  })

  it('is read with points and commas, and with or without the word EPSG', () => {
    const { look, faults } = read({ bands: '4, 3 2', black: '-0,25', white: '3e3', nodata: '−9999', crs: 'epsg: 32637' })
    expect(faults).toEqual({})
    expect(look).toEqual({ bands: [4, 3, 2], stretch: [-0.25, 3000], nodata: -9999, crs: 'EPSG:32637' })
    expect(read({ bands: '1', crs: '3857' }).look).toEqual({ bands: [1], crs: 'EPSG:3857' })
  })

  it.each([['1,2'], ['0'], ['1,2,3,4'], ['red'], ['1.5']])('knows no bands %s', (bands) => {
    expect(read({ bands })).toEqual({ look: {}, faults: { bands: 'look.bands_wrong' } })
  })

  it('wants black and white both, and black below white', () => {
    expect(read({ black: '5' }).faults).toEqual({ white: 'look.stretch_half' })
    expect(read({ white: '5' }).faults).toEqual({ black: 'look.stretch_half' })
    expect(read({ black: '5', white: '5' }).faults).toEqual({ white: 'look.stretch_order' })
    expect(read({ black: 'dark', white: '5' }).faults).toEqual({ black: 'look.number_wrong' })
    expect(read({ nodata: 'none' }).faults).toEqual({ nodata: 'look.number_wrong' })
    expect(read({ crs: 'UTM 37N' }).faults).toEqual({ crs: 'look.crs_wrong' })
  })

  it('begins with what the picture looks like now', () => {
    expect(formOfShown(null)).toEqual(NO_LOOK)
    expect(formOfShown({ bands: [3, 2, 1], stretch: [] })).toEqual({ ...NO_LOOK, bands: '3, 2, 1' })
    expect(formOfShown({ bands: [1], stretch: [[20, 300]] })).toEqual({ ...NO_LOOK, bands: '1', black: '20', white: '300' })
    // Each band by its own measure: there is no one pair to show.
    expect(formOfShown({ bands: [1, 2], stretch: [[20, 300], [10, 300]] }).black).toBe('')
  })
})
