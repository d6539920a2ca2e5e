// What this device remembers of a session, for all tabs; the session itself lives in cookies that no script can read.

import { keep as write, kept } from './kept'

const read = (key: string) => kept.get(key)

export const visit = {
  /** Whether somebody was signed in here and has not signed out: then a session that ran out is worth renewing. */
  get signedIn(): boolean {
    return read('session-held') === 'yes'
  },
  set signedIn(held: boolean) {
    if (held !== this.signedIn) write('session-held', held ? 'yes' : 'no')
  },
  /** When a session was last begun or renewed here, in ms of this device's clock. */
  get refreshedAt(): number {
    return Number(read('session-refreshed-at') ?? 0)
  },
  set refreshedAt(moment: number) {
    write('session-refreshed-at', String(moment))
  },
}
