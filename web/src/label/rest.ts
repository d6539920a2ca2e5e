// How long somebody has been looking without a break. Kept for the tab, so that a reload starts nothing anew.

/** After this much work a break is suggested. */
export const WORK_MS = 20 * 60_000
/** A pause of this length was a break. */
export const BREAK_MS = 5 * 60_000

export interface Stretch {
  since: number
  last: number
}

/** The stretch of work after an answer at `now`: goes on, or begins anew after a break. */
export function worked(stretch: Stretch | null, now: number): Stretch {
  if (!stretch || now - stretch.last >= BREAK_MS || now < stretch.last) return { since: now, last: now }
  return { since: stretch.since, last: now }
}

export const needsBreak = ({ since, last }: Stretch): boolean => last - since >= WORK_MS
