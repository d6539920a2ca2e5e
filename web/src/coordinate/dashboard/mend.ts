// Where a coordinator mends what a kind of job could not do.
import type { Campaign } from '../../api'
import type { Key } from '../../i18n'
import { linkTo } from '../../router.svelte'
import type { Statistics } from './calls'

export type JobKind = Statistics['waits']['failed_kinds'][number]
export interface Place {
  href: string
  /** What the page, or its step, is called. */
  name: Key
}

/** The page on which a failed job of that kind shows why it failed and can be asked for again. */
export function mendedAt(kind: JobKind, { slug, state }: Pick<Campaign, 'slug' | 'state'>): Place {
  const step = (name: string) => `${linkTo(slug, 'setup')}?step=${name}`
  switch (kind) {
    case 'ingest':
      // Once a campaign has opened, pictures come in as later ones.
      return state === 'draft' ? { href: step('images'), name: 'setup.images' } : { href: linkTo(slug, 'steer'), name: 'steer.later' }
    case 'footprints':
    case 'tiles':
      return { href: step('places'), name: 'setup.places' }
    case 'gold':
      return { href: step('training'), name: 'setup.training' }
  }
}
