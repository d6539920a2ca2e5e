import { describe, expect, it } from 'vitest'
import type { Campaign } from '../api'
import { linkToPart, partsFor } from './parts'

const may = { coordinate: false, download_labels: false, see_map: true, label: true }
const campaign = (role: string | null, rights: Partial<typeof may> = {}, level = 'public') => ({ slug: 'a', role, release_level: level, may: { ...may, ...rights } }) as unknown as Campaign

describe('the tabs of a campaign', () => {
  it('are none for volunteers, guests and people who only look', () => {
    for (const role of [null, 'guest', 'volunteer']) expect(partsFor(campaign(role))).toEqual([])
  })
  it('lead a reviewer to what reviewers can use, and nowhere else', () => {
    expect(partsFor(campaign('reviewer'))).toEqual(['campaign', 'review', 'map', 'validate', 'releases', 'progress'])
  })
  it('leave out a map that may not be seen and releases that may not be had', () => {
    expect(partsFor(campaign('reviewer', { see_map: false }, 'private'))).toEqual(['campaign', 'review', 'validate', 'progress'])
    expect(partsFor(campaign('researcher', { download_labels: true }, 'private'))).toContain('releases')
  })
  it('are the same whole list for a coordinator and for an admin', () => {
    const all = partsFor(campaign('coordinator', { coordinate: true, download_labels: true }))
    expect(all).toHaveLength(12)
    expect(partsFor(campaign('admin', { coordinate: true, download_labels: true }))).toEqual(all)
  })
  it('lead from each part back to the campaign’s own page', () => {
    expect(linkToPart('a b', 'campaign')).toBe('#/c/a%20b')
    expect(linkToPart('a', 'map')).toBe('#/c/a/map')
  })
})
