import { describe, expect, it } from 'vitest'
import { between, filterOf, fresh, narrowed, readQuestion, writeQuestion, type Question } from './question'

const day = (id: string, from: string, to = from) => ({ id, captured_from: `${from}T00:00:00Z`, captured_to: `${to}T23:59:59.999Z` })
const scenes = [day('1', '2017-06-06'), day('2', '2017-06-20'), day('3', '2017-07-01', '2017-07-03')]
const classes = ['none', 'damaged', 'destroyed']
const read = (query: string) => readQuestion(new URLSearchParams(query), scenes, classes)

describe('the question in the address', () => {
  it('comes back as it was written', () => {
    const asked: Question = {
      classes: ['damaged', 'destroyed'], states: ['settled'], least: 85, when: ['1', '3'], damagedIf: 30, inView: true, paint: 'when', scene: '', swipe: '2',
      strength: 35, patterns: false, place: { lon: 39.0123456, lat: 35.95, zoom: 16.25 }, tile: 'b0052, "odd" & مثال', tab: 'table',
    }
    const back = readQuestion(new URLSearchParams(writeQuestion(asked, scenes).toString()), scenes, classes)
    expect(back).toEqual({ ...asked, place: { lon: 39.012346, lat: 35.95, zoom: 16.25 } })
  })
  it('is empty where nothing differs from a fresh one', () => {
    expect(writeQuestion(fresh(scenes), scenes).toString()).toBe('')
    expect(read('')).toEqual(fresh(scenes))
  })
  it('is a fresh one where the address makes no sense', () => {
    expect(read('class=ruined&state=x&least=200&when=9~1&damaged_if=-1&paint=red&scene=99&swipe=99&strength=no&at=1,2&tab=lost')).toEqual(fresh(scenes))
    expect(read('at=39,95,3').place).toBeNull()
    expect(read('when=1~1').when).toBeNull()
  })
})

describe('the filter for the server', () => {
  it('names what is set and nothing else', () => {
    expect(filterOf(fresh(scenes), scenes)).toEqual({})
    const asked = { ...fresh(scenes), classes: ['destroyed'], least: 85, inView: true }
    expect(filterOf(asked, scenes, [39, 35.9, 39.1, 36])).toEqual({ class: 'destroyed', probability_at_least: '0.85', bbox: '39.0000000,35.9000000,39.1000000,36.0000000' })
    expect(narrowed(asked)).toBe(3)
  })
  it('asks for days after the earlier image and before the later one', () => {
    expect(between(['1', '2'], scenes)).toEqual({ from: '2017-06-07', to: '2017-06-19' })
    expect(between(['2', '3'], scenes)).toEqual({ from: '2017-06-21', to: '2017-06-30' })
    expect(between(['1', '9'], scenes)).toBeNull()
  })
  it('spells moments out where images are no whole days, and never runs backwards', () => {
    const moments = [{ id: '1', captured_from: '2017-06-06T08:30:00Z', captured_to: '2017-06-06T08:30:00Z' }, { id: '2', captured_from: '2017-06-06T08:30:00Z', captured_to: '2017-06-06T09:00:00Z' }]
    expect(between(['1', '2'], moments)).toEqual({ from: '2017-06-06T08:30:00.001Z', to: '2017-06-06T08:30:00.001Z' })
  })
})
