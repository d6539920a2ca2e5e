// How large a sample to propose: what statistics wants, and never more than there are tiles to draw.
import type { Campaign } from '../api'

const [WANTED, LEAST, FLOOR] = [300, 2, 20]
/** Classes, each both sure and unsure: into so many parts a sample may fall. */
const PARTS = 6

export function proposedSample({ closed, tiles }: Pick<Campaign['progress'], 'closed' | 'tiles'>): { size: number; floor: number } {
  // What closed minutes ago is not counted as closed yet, but can be drawn.
  const size = Math.max(LEAST, Math.min(WANTED, closed || tiles))
  return { size, floor: Math.max(LEAST, Math.min(FLOOR, Math.floor(size / PARTS))) }
}
