import { describe, expect, it } from 'vitest'
import type { Answer } from '../api'
import { Timeline, wordsOf } from './timeline.svelte'

const frames = ['a', 'b', 'c', 'd'].map((scene_id, at) => ({ scene_id, captured_from: `2025-0${at + 1}-01T00:00:00Z`, captured_to: `2025-0${at + 1}-01T00:00:00Z` }))
const answers = [
  { key: 'no_visible_damage', role: 'class' },
  { key: 'damaged', role: 'class' },
  { key: 'destroyed', role: 'class' },
  { key: 'unsure', role: 'side' },
] as Answer[]
const [none, , destroyed, unsure] = answers as [Answer, Answer, Answer, Answer]

describe('a timeline', () => {
  it('takes the frame before the first damaged one as the last intact one, unless an earlier one was marked', () => {
    const line = new Timeline(frames)
    line.markDamaged(2)
    expect(line.window).toEqual({ last_intact: 'b', first_damaged: 'c' })
    line.markIntact(0)
    line.markDamaged(3)
    expect(line.window).toEqual({ last_intact: 'a', first_damaged: 'd' })
  })

  it('never holds an intact frame after or at a damaged one, whatever is marked in whatever order', () => {
    for (let run = 0; run < 500; run += 1) {
      const line = new Timeline(frames)
      for (let step = 0; step < 6; step += 1) {
        const place = (run * 7 + step * 13 + ((run >> step) & 3)) % 4
        const act = [() => line.markIntact(place), () => line.markDamaged(place), () => line.markNever(), () => line.markAlready(), () => line.markUnknown()][(run + step * 3 + place) % 5]
        act?.()
        if (line.intact !== null && line.damaged !== null) expect(line.intact).toBeLessThan(line.damaged)
        const window = line.window
        if (window) expect(window.last_intact ?? window.first_damaged).not.toBeNull()
      }
    }
  })

  it('says never, already and cannot tell in the words of the protocol', () => {
    const line = new Timeline(frames)
    line.markNever()
    expect([line.finding, line.window]).toEqual(['never', { last_intact: 'd', first_damaged: null }])
    line.markAlready()
    expect([line.finding, line.window]).toEqual(['already', { last_intact: null, first_damaged: 'a' }])
    line.markUnknown()
    expect([line.finding, line.window]).toEqual(['unknown', undefined])
  })

  it('keeps answer and window consistent', () => {
    const line = new Timeline(frames)
    expect(line.sayWith(destroyed, answers)).toBeNull()
    line.markDamaged(1)
    expect(line.sayWith(destroyed, answers)).toEqual({ answer: 'destroyed', window: { last_intact: 'a', first_damaged: 'b' } })
    expect(line.sayWith(none, answers)).toEqual({ answer: 'no_visible_damage', window: { last_intact: 'd', first_damaged: null } })
    expect(line.sayWith(destroyed, answers)).toBeNull()
    expect(line.sayWith(unsure, answers)).toEqual({ answer: 'unsure' })
    line.markUnknown()
    expect(line.sayWith(destroyed, answers)).toEqual({ answer: 'destroyed' })
  })

  it('shows an answer given before with its marks', () => {
    const line = new Timeline(frames, { answer: 'destroyed', window: { last_intact: 'b', first_damaged: 'd' } })
    expect([line.intact, line.damaged, line.at]).toEqual([1, 3, 3])
  })

  it('stays at its ends', () => {
    const line = new Timeline(frames)
    expect([line.go(-1), line.at, line.go(9), line.at, line.go(1)]).toEqual([false, 0, true, 3, false])
  })

  it('reads as words with the earliest and the latest day', () => {
    const captured = (scene: string) => ({ a: { from: '1', to: '2' }, b: { from: '3', to: '4' } })[scene]
    expect(wordsOf({ last_intact: 'a', first_damaged: 'b' }, captured)).toEqual({ text: 'between', from: '1', to: '4' })
    expect(wordsOf({ last_intact: null, first_damaged: 'b' }, captured)).toEqual({ text: 'before', from: '', to: '4' })
    expect(wordsOf({ last_intact: 'a', first_damaged: null }, captured)).toEqual({ text: 'intact', from: '2', to: '' })
    expect(wordsOf(undefined, captured).text).toBe('unknown')
  })
})
