// What a square of the small maps says, 0 to 1; null where it says nothing.
import type { Overview } from './calls'

export type Square = Overview['squares'][number]

/** Share of the tiles that are closed. */
export function done({ tiles }: Pick<Square, 'tiles'>): number | null {
  const all = tiles.open + tiles.settled + tiles.contested + tiles.reviewed + tiles.unusable
  return all > 0 ? (all - tiles.open) / all : null
}

/** Share of the pairs of labels that do not agree, of two thirds: three classes drawn by lot hardly disagree more. */
export function disagreement(square: Pick<Square, 'disagreement'>): number | null {
  return square.disagreement === null ? null : Math.min(1, square.disagreement * 1.5)
}
