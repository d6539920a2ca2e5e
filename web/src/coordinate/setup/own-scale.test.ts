import { describe, expect, it } from 'vitest'
import { answersOf, wordFrom, faultsOf, isRight, keyOf, namedIn, ownInSettings, ownOf, renamed, wordOf, type OwnScale } from './own-scale'
import { answerName } from '../../i18n'
import { inSettings, SCALES } from './scales'
import type { Scale } from './calls'

const LANGUAGES = ['en', 'ar']
const sides = [{ key: 'unsure', role: 'side', code: 98 }, { key: 'bad_imagery', role: 'side', code: 99 }]
const classOf = (en: string, ar = '', word = '') => ({ word, names: { ...(en && { en }), ...(ar && { ar }) } })
const scale = (...classes: OwnScale['classes']): OwnScale => ({ key: 'roofs', ordered: true, heavy: 1, classes, sides })
const roofs = () => scale(classOf('Whole'), classOf('Torn roof', 'سقف ممزق'), classOf('No roof'))
const faults = (...classes: OwnScale['classes']) => faultsOf(scale(...classes), LANGUAGES).classes
const reader = { language: 'en', called: (key: string) => answerName(key, { answers: [] }) }
const ofSettings = (one: OwnScale) => ownInSettings(one, LANGUAGES, reader) as unknown as Scale

describe('a scale of one’s own', () => {
  it('turns names into the words of files, by the first in Latin letters', () => {
    expect(['Torn roof', ' No  roof! ', 'Détruit', '3/4 gone'].map(wordOf)).toEqual(['torn_roof', 'no_roof', 'detruit', '3_4_gone'])
    expect(wordFrom(classOf('', 'سقف'), LANGUAGES)).toBe('')
    expect(wordFrom({ word: '', names: { ar: 'سقف', fr: 'Toit' } }, ['ar', 'fr', 'en'])).toBe('toit')
    expect(wordFrom({ word: '', names: { uk: 'Клас B', en: 'Class B' } }, ['uk', 'en']), 'one Latin letter is no Latin name').toBe('class_b')
    expect(keyOf(classOf('', 'سقف', 'Roof'), LANGUAGES)).toBe('roof')
    expect(wordOf('a'.repeat(50)), 'a long name has a word that is short enough').toHaveLength(40)
  })

  it('says what is wrong, and where', () => {
    expect(isRight(faultsOf(roofs(), LANGUAGES))).toBe(true)
    expect(faults(classOf('Whole'), classOf(''), classOf('whole'))).toEqual([null, 'ownscale.empty', 'ownscale.twice'])
    expect(faults(classOf('Unsure'), classOf('', 'سليم'))).toEqual(['ownscale.twice', 'ownscale.latin'])
    expect(faults(classOf('', 'سليم', 'whole'), classOf('Torn', 'سليم')), 'no two are called alike in a language').toEqual([null, 'ownscale.twice'])
    expect(faults(classOf('a'.repeat(61)), classOf('b'))).toEqual(['ownscale.long', null])
    expect(faultsOf(scale(classOf('Whole')), LANGUAGES).whole).toBe('ownscale.few')
    expect(faultsOf({ ...roofs(), key: 'conflict3' }, LANGUAGES).key).toBe('ownscale.key_taken')
    expect(faultsOf({ ...roofs(), key: 'My roofs' }, LANGUAGES).key).toBe('ownscale.key_wrong')
  })

  it('is written as the campaign file wants it', () => {
    expect(ownInSettings(roofs(), LANGUAGES, reader)).toEqual({
      key: 'roofs',
      ordered: true,
      heavy_from: 1,
      answers: [
        { key: 'whole', role: 'class', code: 0, names: { en: 'Whole' } },
        { key: 'torn_roof', role: 'class', code: 1, names: { ar: 'سقف ممزق', en: 'Torn roof' } },
        { key: 'no_roof', role: 'class', code: 2, names: { en: 'No roof' } },
        ...sides,
      ],
    })
    expect(ownInSettings({ ...roofs(), heavy: 9 }, LANGUAGES, reader)).toMatchObject({ heavy_from: 2 })
    expect(ownInSettings({ ...roofs(), heavy: 0 }, LANGUAGES, reader)).toMatchObject({ heavy_from: 1 })
    expect(ownInSettings(scale(classOf(' ', '', 'plain'), classOf('B')), LANGUAGES, reader)).toMatchObject({ answers: [{ key: 'plain', role: 'class', code: 0 }, {}, {}, {}] })
    expect(answersOf(roofs(), LANGUAGES).map(({ heavy }) => heavy)).toEqual([false, true, true])
  })

  it('reads back as it was written, and begins from a built-in one under another name', () => {
    expect(ownOf(ofSettings(roofs()), LANGUAGES, reader)).toEqual(roofs())
    const [first] = SCALES
    const begun = ownOf(inSettings(first!) as unknown as Scale, LANGUAGES, reader)
    expect(begun).toMatchObject({ key: 'own', heavy: 2, classes: [classOf('No visible damage'), classOf('Damaged'), classOf('Destroyed')] })
    expect(ownOf(inSettings(first!) as unknown as Scale, ['fr'], reader)?.classes[1], 'a language that is none of the campaign’s names nothing').toEqual({ word: 'damaged', names: {} })
    const between = { key: 'x', ordered: true, heavy_from: 1, answers: [{ key: 'a', role: 'class', code: 0 }, { key: 'b', role: 'class', code: 1 }, { key: 'm', role: 'between', low: 0, high: 1, code: 5 }] }
    expect(ownOf(between as Scale, LANGUAGES, reader)).toBeNull()
  })

  it('leaves the program’s own words to the program, which has them in every language', () => {
    const classes = (one: OwnScale) => (ofSettings(one).answers.map(({ key, names }) => [key, names]))
    const begun = ownOf(inSettings(SCALES[0]!) as unknown as Scale, LANGUAGES, reader)!
    expect(classes(begun).slice(0, 2)).toEqual([['no_visible_damage', undefined], ['damaged', undefined]])
    begun.classes[0]!.names.ar = 'سليم'
    expect(classes(begun)[0]).toEqual(['no_visible_damage', { ar: 'سليم', en: 'No visible damage' }])
    expect(ownOf(ofSettings(begun), LANGUAGES, reader)?.classes.map(({ names }) => names.en)).toEqual(['No visible damage', 'Damaged', 'Destroyed'])
  })

  it('keeps all but the names once it is open', () => {
    const open = { key: 'x', ordered: false, heavy_from: 1, answers: [{ key: 'a', role: 'class', code: 7, names: { en: 'A' } }, { key: 'b', role: 'class', code: 3 }, { key: 'unsure', role: 'side', code: 98, names: { en: 'No idea' } }] } as Scale
    const own = ownOf(open, LANGUAGES, reader)!
    own.classes[1]!.names = { ar: 'ب' }
    own.classes[0]!.names = {}
    const [a, b, unsure] = open.answers
    expect(renamed(open, own, reader)).toEqual({ ...open, answers: [{ key: 'a', role: 'class', code: a!.code }, { ...b, names: { ar: 'ب' } }, unsure] })
  })

  it('calls a class by the campaign’s own language where the reader’s has no name', () => {
    const named = namedIn(ofSettings(scale(classOf('', 'سليم', 'whole'), classOf('Torn', 'ممزق'))), 'ar')
    expect([answerName('whole', named), answerName('torn', named), answerName('unsure', named)]).toEqual(['سليم', 'Torn', 'Unsure'])
  })
})
