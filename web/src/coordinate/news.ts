// News of the work that the server does in the background: heard as it goes on, asked for every few seconds where the server cannot tell.

import { eventsOf, type Open } from './events'

/** Where events are lost or refused. */
const POLL_MS = 2_000
/** While events come: what they do not tell of is looked at all the same. */
const QUIET_MS = 20_000

export interface Hearing {
  /** Whether it matters now: while nothing is under way nobody asks again and again. */
  waits(): boolean
  look(): Promise<void>
}

/** Looks whenever the server says that jobs of a campaign go on or end, until the returned function is called. */
export function hearJobs(slug: string, { waits, look }: Hearing, open: Open | null = typeof EventSource === 'undefined' ? null : (url) => new EventSource(url)): () => void {
  let [live, busy, missed, ended] = [false, false, false, false]
  let looked = Date.now()
  const events = eventsOf(slug, ['jobs'], { hear: () => void turn(), onlive: (now) => (live = now) }, open)

  async function turn(): Promise<void> {
    if (ended) return
    if (busy) {
      missed = true
      return
    }
    ;[busy, missed, looked] = [true, false, Date.now()]
    await look().catch(() => undefined)
    busy = false
    if (missed) await turn()
  }
  events.listen()
  const timer = setInterval(() => {
    events.listen()
    if (waits() && Date.now() - looked >= (live ? QUIET_MS : POLL_MS)) void turn()
  }, POLL_MS / 4)
  return () => {
    ended = true
    clearInterval(timer)
    events.close()
  }
}
