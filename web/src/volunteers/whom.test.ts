import { expect, it } from 'vitest'
import type { Figures, Volunteers, Wanted } from './calls'
import { namesOf } from './whom'

const NOW = Date.parse('2026-06-20T00:00:00Z')
const people = Array.from({ length: 230 }, (_, at) => ({ name: `v${at}`, last_at: at % 2 ? '2026-06-19T00:00:00Z' : '2026-06-10T00:00:00Z' }) as Figures)
const asked: Wanted[] = []
const list = (wanted: Wanted) => {
  asked.push(wanted)
  return Promise.resolve({ all: people.length, volunteers: people.slice(wanted.offset, wanted.offset + wanted.limit) } as Volunteers)
}

it('reads every page, and takes those who have not been seen for seven days', async () => {
  const names = await namesOf('unseen', list, NOW)
  expect(names).toHaveLength(115)
  expect(names.slice(0, 2)).toEqual(['v0', 'v2'])
  expect(asked.map(({ offset, flag }) => [offset, flag])).toEqual([[0, undefined], [100, undefined], [200, undefined]])
})

it('leaves flags to the server', async () => {
  asked.length = 0
  expect(await namesOf('hasty', list, NOW)).toHaveLength(230)
  expect(asked.every(({ flag }) => flag === 'hasty')).toBe(true)
})
