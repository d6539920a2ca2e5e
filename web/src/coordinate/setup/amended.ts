// The check list of the server with what only this page knows of the draft.
import type { CheckItem, Checklist } from './calls'

/** The check list with what the server does not know: a map that is the widest because nobody chose, and buildings without their outlines. */
export function amended({ ready, items }: Checklist, { unchosen, outlines }: { unchosen: boolean; outlines: boolean }): Checklist {
  const seen = items.map((item): CheckItem => {
    if (unchosen && item.key === 'release_level') return { ...item, state: 'warning', reason: 'nobody_chose' }
    if (outlines && item.key === 'tiles') return { ...item, state: 'blocking', reason: 'outlines_missing' }
    return item
  })
  return { ready: ready && !outlines, items: seen }
}
