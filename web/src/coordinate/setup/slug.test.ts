import { expect, it } from 'vitest'
import { isSlug, slugOf } from './slug'

it('a title in any of our scripts proposes a name for the address', () => {
  expect(slugOf('Madre Fire 2025')).toBe('madre-fire-2025')
  expect(slugOf('  L’incendie de Lésigny: été! ')).toBe('lincendie-de-lesigny-ete')
  expect(slugOf('Маріуполь, 2022')).toBe('mariupol-2022')
  expect(slugOf('حلب')).toBe('hlb')
  expect(slugOf('東京')).toBe('')
  const long = slugOf('A very long title '.repeat(9))
  expect([long.length <= 60, isSlug(long)]).toEqual([true, true])
})

it('a name is what the server takes as one', () => {
  expect(['madre-fire', 'a1', '2025'].every(isSlug)).toBe(true)
  expect(['a', '-a', 'A1', 'a b', 'ä1', '', 'a'.repeat(61)].some(isSlug)).toBe(false)
})
