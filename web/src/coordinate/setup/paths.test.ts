import { describe, expect, test } from 'vitest'
import { at, nested, withAt, type Json } from './paths'

describe('paths into settings', () => {
  test('a value is put where nothing was, and nothing else changes', () => {
    const before = { texts: { en: { title: 'A town' } }, zoom: 18 }
    const after = withAt(before, 'texts.ar.title', 'مدينة')
    expect(after).toEqual({ texts: { en: { title: 'A town' }, ar: { title: 'مدينة' } }, zoom: 18 })
    expect(before).toEqual({ texts: { en: { title: 'A town' } }, zoom: 18 })
    expect(at(after, 'texts.ar.title')).toBe('مدينة')
    expect(at(after, 'texts.fr.title')).toBeUndefined()
  })

  test('no name of a setting reaches what all objects share', () => {
    for (const path of ['__proto__.reached', 'constructor.prototype.reached', 'texts.__proto__.reached']) {
      withAt({ texts: {} }, path, true)
      nested(new Map<string, Json>([[path, true]]))
      expect(({} as Record<string, unknown>)['reached'], path).toBeUndefined()
      expect((Object as unknown as Record<string, unknown>)['reached'], path).toBeUndefined()
    }
  })
})
