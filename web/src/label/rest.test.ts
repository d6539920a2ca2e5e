import { expect, test } from 'vitest'
import { BREAK_MS, needsBreak, WORK_MS, worked, type Stretch } from './rest'

const MINUTE = 60_000
const after = (...minutes: number[]) => minutes.reduce<Stretch | null>((stretch, minute) => worked(stretch, minute * MINUTE), null) as Stretch

test('twenty minutes of answers without a pause ask for a break, nineteen do not', () => {
  expect(needsBreak(after(0, 4, 8, 12, 16, 19))).toBe(false)
  expect(needsBreak(after(0, 4, 8, 12, 16, WORK_MS / MINUTE))).toBe(true)
})

test('a pause of five minutes was a break', () => {
  expect(after(0, 4, 8, 8 + BREAK_MS / MINUTE, 15)).toEqual({ since: 13 * MINUTE, last: 15 * MINUTE })
})

test('a clock that was set back begins a new stretch', () => {
  expect(after(30, 10)).toEqual({ since: 10 * MINUTE, last: 10 * MINUTE })
})
