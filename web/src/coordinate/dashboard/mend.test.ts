import { describe, expect, it } from 'vitest'
import { STEPS } from '../setup/setup.svelte'
import { mendedAt } from './mend'

describe('a failed job', () => {
  it('is mended where its kind of work is asked for', () => {
    const draft = { slug: 'a', state: 'draft' } as const
    expect(mendedAt('ingest', draft)).toEqual({ href: '#/c/a/setup?step=images', name: 'setup.images' })
    expect(mendedAt('footprints', draft).href).toBe('#/c/a/setup?step=places')
    expect(mendedAt('tiles', draft).href).toBe('#/c/a/setup?step=places')
    expect(mendedAt('gold', draft).href).toBe('#/c/a/setup?step=training')
    expect(mendedAt('ingest', { slug: 'a', state: 'paused' })).toEqual({ href: '#/c/a/steer', name: 'steer.later' })
  })
  it('leads to a step that there is', () => {
    for (const kind of ['ingest', 'footprints', 'tiles', 'gold'] as const) {
      const step = mendedAt(kind, { slug: 'a', state: 'draft' }).href.split('step=')[1]
      expect(STEPS).toContain(step)
    }
  })
})
