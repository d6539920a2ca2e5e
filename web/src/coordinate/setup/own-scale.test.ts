import { describe, expect, it } from 'vitest'
import { answersOf, faultsOf, isRight, ownInSettings, ownOf, wordOf, type OwnScale } from './own-scale'
import { inSettings, SCALES } from './scales'
import type { Scale } from './calls'

const scale = (change: Partial<OwnScale> = {}): OwnScale => ({ key: 'roofs', ordered: true, heavy: 1, classes: ['Whole', 'Torn roof', 'No roof'], ...change })
const readable = (key: string) => key.charAt(0).toUpperCase() + key.slice(1).replaceAll('_', ' ')

describe('a scale of one’s own', () => {
  it('turns names into the words of files', () => {
    expect(['Torn roof', ' No  roof! ', 'Détruit', '3/4 gone'].map(wordOf)).toEqual(['torn_roof', 'no_roof', 'detruit', '3_4_gone'])
  })

  it('says what is wrong, and where', () => {
    expect(isRight(faultsOf(scale()))).toBe(true)
    expect(faultsOf(scale({ classes: ['Whole', '', 'whole'] })).classes).toEqual([null, 'ownscale.empty', 'ownscale.twice'])
    expect(faultsOf(scale({ classes: ['Unsure', 'سليم'] })).classes).toEqual(['ownscale.twice', 'ownscale.latin'])
    expect(faultsOf(scale({ classes: ['Whole'] })).whole).toBe('ownscale.few')
    expect(faultsOf(scale({ classes: ['a'.repeat(41), 'b'] })).classes).toEqual(['ownscale.long', null])
    expect(faultsOf(scale({ key: 'conflict3' })).key).toBe('ownscale.key_taken')
    expect(faultsOf(scale({ key: 'My roofs' })).key).toBe('ownscale.key_wrong')
  })

  it('is written as the campaign file wants it', () => {
    expect(ownInSettings(scale())).toEqual({
      key: 'roofs',
      ordered: true,
      heavy_from: 1,
      answers: [
        { key: 'whole', role: 'class', code: 0 },
        { key: 'torn_roof', role: 'class', code: 1 },
        { key: 'no_roof', role: 'class', code: 2 },
        { key: 'unsure', role: 'side', code: 98 },
        { key: 'bad_imagery', role: 'side', code: 99 },
      ],
    })
    expect(ownInSettings(scale({ heavy: 9 }))).toMatchObject({ heavy_from: 2 })
    expect(ownInSettings(scale({ heavy: 0 }))).toMatchObject({ heavy_from: 1 })
    expect(answersOf(scale()).map(({ heavy }) => heavy)).toEqual([false, true, true])
  })

  it('reads back as it was written, and begins from a built-in one under another name', () => {
    expect(ownOf(ownInSettings(scale()) as unknown as Scale, readable)).toEqual(scale())
    const [first] = SCALES
    expect(ownOf(inSettings(first!) as unknown as Scale, readable)).toEqual({ key: 'own', ordered: true, heavy: 2, classes: ['No visible damage', 'Damaged', 'Destroyed'] })
    const between = { key: 'x', ordered: true, heavy_from: 1, answers: [{ key: 'a', role: 'class', code: 0 }, { key: 'b', role: 'class', code: 1 }, { key: 'm', role: 'between', low: 0, high: 1, code: 5 }] }
    expect(ownOf(between as Scale, readable)).toBeNull()
  })
})
