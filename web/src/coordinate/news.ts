// News of a campaign: heard as it happens, asked for every few seconds where the server cannot tell.

import { eventsOf, type Open } from './events'

/** How closely something is followed, in milliseconds. */
export interface Ear {
  /** The events that tell of it. */
  kinds: readonly string[]
  /** Between two looks, however many events come. */
  rest: number
  /** Where events are lost or refused, and while something is urgent. */
  poll: number
  /** While events come: what they do not tell of is looked at all the same. */
  quiet: number
}

/** Jobs of the set-up: shown to the second. */
const JOBS: Ear = { kinds: ['jobs'], rest: 0, poll: 2_000, quiet: 20_000 }
/** Figures of volunteers: long lists, which a busy campaign changes every second. */
const VOLUNTEERS: Ear = { kinds: ['labels', 'model', 'state'], rest: 3_000, poll: 3_000, quiet: 30_000 }
const TICK_MS = 500

export interface Hearing {
  /** Whether it matters now: while nothing is under way nobody asks again and again. */
  waits(): boolean
  /** Whether something goes on of which events tell nothing. */
  urgent?(): boolean
  look(): Promise<void>
}

const usual: Open | null = typeof EventSource === 'undefined' ? null : (url) => new EventSource(url)

/** Looks whenever the server says that jobs of a campaign go on or end, until the returned function is called. */
export const hearJobs = (slug: string, hearing: Hearing, open: Open | null = usual): (() => void) => hear(slug, JOBS, hearing, open)

/** Looks whenever somebody answered, the model or the state changed, until the returned function is called. */
export const hearVolunteers = (slug: string, hearing: Hearing, open: Open | null = usual): (() => void) => hear(slug, VOLUNTEERS, hearing, open)

function hear(slug: string, { kinds, rest, poll, quiet }: Ear, { waits, urgent = () => false, look }: Hearing, open: Open | null): () => void {
  let [live, busy, missed, ended] = [false, false, false, false]
  let looked = Date.now()
  const events = eventsOf(slug, kinds, { hear: () => void turn(), onlive: (now) => (live = now) }, open)

  async function turn(): Promise<void> {
    if (ended) return
    if (busy || Date.now() - looked < rest) {
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
    const due = Date.now() - looked >= (live && !urgent() ? quiet : poll)
    if (missed || (waits() && due)) void turn()
  }, TICK_MS)
  return () => {
    ended = true
    clearInterval(timer)
    events.close()
  }
}
