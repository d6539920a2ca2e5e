import { describe, expect, it } from 'vitest'
import { amended } from './amended'
import type { CheckItem, Checklist } from './calls'

const item = (key: string): CheckItem => ({ key, state: 'ok', reason: 'fine', detail: '', mend: 'release', figures: {}, names: [] }) as unknown as CheckItem
const list: Checklist = { ready: true, items: [item('tiles'), item('release_level'), item('title')] }
const states = ({ items }: Checklist) => items.map(({ key, state }) => `${key} ${state}`)

describe('the check list on this page', () => {
  it('is that of the server where nothing is to be added', () => {
    expect(amended(list, { unchosen: false, outlines: false })).toEqual(list)
  })
  it('says that nobody chose who has the map, and lets the campaign open', () => {
    const seen = amended(list, { unchosen: true, outlines: false })
    expect(states(seen)).toEqual(['tiles ok', 'release_level warning', 'title ok'])
    expect(seen.items[1]?.reason).toBe('nobody_chose')
    expect(seen.ready).toBe(true)
  })
  it('does not call a campaign of buildings ready whose outlines are missing', () => {
    const seen = amended(list, { unchosen: false, outlines: true })
    expect(states(seen)).toEqual(['tiles blocking', 'release_level ok', 'title ok'])
    expect(seen.ready).toBe(false)
  })
})
