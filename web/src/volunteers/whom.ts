// Whom a message is for, where they are not named one by one: those with a flag, or those who have not been seen for a while.
import type { Figures, Flag, Volunteers, Wanted } from './calls'

export const FLAGS: Flag[] = ['ring', 'gold', 'constant', 'hasty', 'too_fast']
export type Whom = Flag | 'unseen'
const PAGE = 100
/** As many as one message may name. */
const MOST = 100_000
const UNSEEN_MS = 7 * 86_400_000

const isUnseen = ({ last_at }: Figures, now: number) => now - Date.parse(last_at) > UNSEEN_MS

/** Their pseudonyms, read from the list page by page. */
export async function namesOf(whom: Whom, list: (wanted: Wanted) => Promise<Volunteers>, now: number): Promise<string[]> {
  const names: string[] = []
  for (let offset = 0; offset < MOST; offset += PAGE) {
    const wanted: Wanted = { sort: 'labels', descending: true, offset, limit: PAGE, ...(whom !== 'unseen' && { flag: whom }) }
    const { volunteers, all } = await list(wanted)
    names.push(...volunteers.filter((one) => whom !== 'unseen' || isUnseen(one, now)).map(({ name }) => name))
    if (offset + PAGE >= all) break
  }
  return names
}
