// When to look again: soon after the server says that something changed, at most once a second; every few seconds where it does not say.

import { eventsOf, type Open } from '../events'

/** Between two looks, milliseconds. */
const LEAST = 1_000
/** Without news: what changes by time alone, such as who is active, is looked at all the same. */
const QUIET = 10_000
/** Where events are refused or lost. */
const POLL = 4_000
const NEWS = ['progress', 'labels', 'jobs', 'model', 'state']

export interface Hooks {
  /** Looks once; whatever it throws is shown by whoever looks. */
  look(): Promise<void>
  /** Whether the server tells by itself when something changes. */
  onlive(live: boolean): void
}

/** Looks again and again until the returned function is called. Nothing is asked while nobody can see the page. */
export function watch(slug: string, { look, onlive }: Hooks, open: Open = (url) => new EventSource(url)): () => void {
  let [news, live, busy, ended] = [true, false, false, false]
  let looked = 0
  const tell = (now: boolean) => {
    if (now !== live) onlive((live = now))
  }
  const events = eventsOf(slug, NEWS, { hear: () => void (news = true), onlive: tell }, open)

  async function turn() {
    if (document.visibilityState === 'hidden' || busy) return
    events.listen()
    const age = Date.now() - looked
    if (!(news && age >= LEAST) && age < (live ? QUIET : POLL)) return
    ;[news, busy, looked] = [false, true, Date.now()]
    await look().catch(() => undefined)
    busy = false
  }

  const timer = setInterval(() => void (ended || turn()), LEAST / 4)
  return () => {
    ended = true
    clearInterval(timer)
    events.close()
  }
}
