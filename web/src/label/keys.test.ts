import { describe, expect, it } from 'vitest'
import type { Answer } from '../api'
import { commandOf, keyOf, type Stroke } from './keys'

const answer = (key: string, role: Answer['role']): Answer => ({ key, role, code: 0, heavy: false })
const answers = [
  answer('no_damage', 'class'),
  answer('destroyed', 'class'),
  answer('maybe', 'between'),
  answer('unsure', 'side'),
  answer('bad_imagery', 'side'),
]
const stroke = (key: string, held: Partial<Stroke> = {}): Stroke => ({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...held })

describe('keys', () => {
  it('number classes and answers between them, and letter the side answers', () => {
    expect(answers.map((one) => keyOf(one, answers))).toEqual(['1', '2', '3', 'u', 'b'])
    expect(commandOf(stroke('3'), answers)).toEqual({ do: 'answer', key: 'maybe' })
    expect(commandOf(stroke('B'), answers)).toEqual({ do: 'answer', key: 'bad_imagery' })
  })

  it('a number beyond the scale does nothing', () => {
    expect(commandOf(stroke('4'), answers)).toBeNull()
  })

  it('undo is z with or without Ctrl, and other shortcuts stay the browser’s', () => {
    expect(commandOf(stroke('z'), answers)).toEqual({ do: 'undo' })
    expect(commandOf(stroke('z', { ctrlKey: true }), answers)).toEqual({ do: 'undo' })
    expect(commandOf(stroke('1', { ctrlKey: true }), answers)).toBeNull()
    expect(commandOf(stroke('s', { metaKey: true }), answers)).toBeNull()
  })

  it('arrows move the slider, with Shift the picture', () => {
    expect(commandOf(stroke('ArrowLeft'), answers)).toEqual({ do: 'slide', by: -1 })
    expect(commandOf(stroke('ArrowUp', { shiftKey: true }), answers)).toEqual({ do: 'pan', x: 0, y: 1 })
    expect(commandOf(stroke('ArrowUp'), answers)).toBeNull()
  })

  it('a scale of more than nine classes gives no key to the tenth', () => {
    const many = Array.from({ length: 11 }, (_, place) => answer(`c${place}`, 'class'))
    expect(keyOf(many[9] as Answer, many)).toBe('')
    expect(commandOf(stroke('0'), many)).toEqual({ do: 'reset' })
  })

  it('in a timeline the arrows turn the frames and letters mark them', () => {
    const stroke = (key: string) => ({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false })
    expect(commandOf(stroke('ArrowRight'), [], true)).toEqual({ do: 'frame', by: 1 })
    expect(commandOf(stroke('ArrowRight'), [])).toEqual({ do: 'slide', by: 1 })
    expect(commandOf(stroke('d'), [], true)).toEqual({ do: 'damaged' })
    expect(commandOf(stroke('d'), [])).toBeNull()
    expect(commandOf(stroke('s'), [], true)).toEqual({ do: 'skip' })
  })
})
