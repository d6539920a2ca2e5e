import { describe, expect, it } from 'vitest'
import type { Lease } from '../api'
import { Queue, REMEMBERED } from './queue'

const lease = (id: string, expires = '2030-01-01T00:00:00Z'): Lease => ({
  lease_id: id,
  tile: { id: `tile-${id}`, bbox: [0, 0, 1, 1], footprint: null },
  frames: [],
  expires_at: expires,
})
function filled(...ids: string[]): Queue {
  const queue = new Queue()
  queue.add(ids.map((id) => lease(id)))
  return queue
}
const shown = (queue: Queue) => queue.shown?.lease.lease_id ?? null

describe('queue', () => {
  it('an answer brings the next tile at once', () => {
    const queue = filled('a', 'b')
    expect(queue.answer({ answer: 'destroyed' })?.lease.lease_id).toBe('a')
    expect(shown(queue)).toBe('b')
  })

  it('a lease that is handed out again is not shown twice', () => {
    const queue = filled('a', 'b')
    queue.answer({ answer: 'damaged' })
    expect(queue.add([lease('a'), lease('b'), lease('c')])).toBe(1)
    expect(queue.ahead.map((one) => one.lease_id)).toEqual(['c'])
  })

  it('a lease answered before the reload is not shown again', () => {
    const queue = new Queue(['a'])
    queue.add([lease('a'), lease('b')])
    expect(shown(queue)).toBe('b')
  })

  it('undo shows the tile with its answer, and a new answer returns to the first tile without one', () => {
    const queue = filled('a', 'b', 'c')
    queue.answer({ answer: 'damaged' })
    queue.answer({ answer: 'damaged' })
    queue.undo()
    queue.undo()
    expect(queue.shown).toMatchObject({ said: { answer: 'damaged' }, lease: { lease_id: 'a' } })
    expect(queue.answer({ answer: 'destroyed' })?.lease.lease_id).toBe('a')
    expect(shown(queue)).toBe('c')
  })

  it('the same answer again is no change', () => {
    const queue = filled('a', 'b')
    queue.answer({ answer: 'damaged' })
    queue.undo()
    expect(queue.answer({ answer: 'damaged' })).toBeNull()
    expect(shown(queue)).toBe('b')
  })

  it('a skip loses no answer given before', () => {
    const queue = filled('a', 'b')
    queue.answer({ answer: 'damaged' })
    queue.undo()
    expect(queue.skip()).toBeNull()
    queue.undo()
    expect(queue.shown?.said?.answer).toBe('damaged')
  })

  it('a skipped tile can be taken back and answered', () => {
    const queue = filled('a', 'b')
    expect(queue.skip()?.lease.lease_id).toBe('a')
    queue.undo()
    expect(queue.answer({ answer: 'unsure' })?.lease.lease_id).toBe('a')
  })

  it('the end of the work shows nothing, undo leads back, and new tiles go on', () => {
    const queue = filled('a')
    queue.answer({ answer: 'damaged' })
    expect(shown(queue)).toBeNull()
    expect(queue.wantsMore).toBe(true)
    queue.add([lease('b')])
    expect(shown(queue)).toBe('b')
    queue.undo()
    expect(shown(queue)).toBe('a')
  })

  it('waiting tiles that ran out are dropped and may come again, the shown one stays', () => {
    const queue = new Queue()
    queue.add([lease('a', '2025-01-01T00:00:00Z'), lease('b', '2025-01-01T00:00:00Z'), lease('c')])
    queue.dropExpired(Date.parse('2026-01-01T00:00:00Z'))
    expect(shown(queue)).toBe('a')
    expect(queue.ahead.map((one) => one.lease_id)).toEqual(['c'])
    expect(queue.add([lease('b')])).toBe(1)
  })

  it('undo reaches back a limited way', () => {
    const queue = filled(...Array.from({ length: REMEMBERED + 10 }, (_, i) => `l${i}`))
    for (let i = 0; i < REMEMBERED + 5; i++) queue.answer({ answer: 'damaged' })
    let back = 0
    while (queue.undo()) back += 1
    expect(back).toBe(REMEMBERED)
  })
})
