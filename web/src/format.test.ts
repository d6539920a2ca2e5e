import { describe, expect, it } from 'vitest'
import { captured, length, measured, percent, portion, probability } from './format'

describe('shares', () => {
  it('never say all before all is done', () => {
    expect(percent(995, 1000)).toBe('99.5%')
    expect(percent(99_999, 100_000)).toBe('99.9%')
    expect(percent(1000, 1000)).toBe('100%')
  })
  it('never say nothing when something is done', () => {
    expect(percent(1, 100_000)).toBe('< 0.1%')
    expect(percent(0, 10)).toBe('0%')
    expect(percent(0, 0)).toBe('0%')
  })
  it('are exact where binary fractions would slip', () => {
    expect(percent(29, 100)).toBe('29%')
    expect(percent(57, 1000)).toBe('5.7%')
  })
})

describe('portions of a whole', () => {
  it('are rounded to the nearest tenth', () => {
    expect([6, 5, 6, 1].map((part) => portion(part, 18))).toEqual(['33.3%', '27.8%', '33.3%', '5.6%'])
  })
  it('are all or nothing only when they are', () => {
    expect(portion(99_999, 100_000)).toBe('99.9%')
    expect(portion(1, 100_000)).toBe('< 0.1%')
    expect(portion(7, 7)).toBe('100%')
    expect(portion(0, 0)).toBe('0%')
  })
})

describe('probabilities', () => {
  it('are certain only when they are', () => {
    expect(probability(0.999)).toBe('99%')
    expect(probability(0.001)).toBe('1%')
    expect(probability(1)).toBe('100%')
    expect(probability(0.654)).toBe('65%')
  })
})

describe('dates of images', () => {
  it('are days in UTC, whatever the clock here says', () => {
    expect(captured('2025-06-15T23:59:00Z', '2025-06-15T23:59:00Z')).toBe('Jun 15, 2025')
    expect(captured('2025-06-15T00:00:00Z', '2025-06-15T23:59:59Z')).toBe('Jun 15, 2025')
  })
  it('show both ends of a composite', () => {
    expect(captured('2025-07-01T00:00:00Z', '2025-07-19T00:00:00Z').replace(/\s/g, ' ')).toBe('Jul 1 – 19, 2025')
  })
  it('that cannot be read are shown as they are', () => {
    expect(captured('soon', 'later')).toBe('soon')
  })
})

describe('measured shares', () => {
  it('are all or nothing only when they are', () => {
    expect([0, 0.0004, 0.5, 0.995, 0.9996, 1].map(measured)).toEqual(['0%', '< 0.1%', '50%', '99.5%', '> 99.9%', '100%'])
  })
})

describe('lengths of time', () => {
  it('are in the largest unit that holds them exactly', () => {
    expect([60, 300, 3600, 10_800, 86_400, 604_800, 4_838_400].map(length)).toEqual(['1 minute', '5 minutes', '1 hour', '3 hours', '1 day', '1 week', '8 weeks'])
  })
})
