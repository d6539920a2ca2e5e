// News of the work that the server does in the background: heard as it goes on, asked for every few seconds where the server cannot tell.

/** Where events are lost or refused. */
const POLL_MS = 2_000
/** While events come: what they do not tell of is looked at all the same. */
const QUIET_MS = 20_000
/** Before events are asked for again after they were refused. */
const AGAIN_MS = 60_000

export interface Hearing {
  /** Whether it matters now: while nothing is under way nobody asks again and again. */
  waits(): boolean
  look(): Promise<void>
}

/** Looks whenever the server says that jobs of a campaign go on or end, until the returned function is called. */
export function hearJobs(slug: string, { waits, look }: Hearing, open: ((url: string) => EventSource) | null = typeof EventSource === 'undefined' ? null : (url) => new EventSource(url)): () => void {
  let source: EventSource | undefined
  let [live, busy, missed, ended] = [false, false, false, false]
  let [looked, refused] = [Date.now(), 0]

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
  function listen(): void {
    if (!open || source || (refused && Date.now() - refused < AGAIN_MS)) return
    source = open(`/api/v1/campaigns/${encodeURIComponent(slug)}/events`)
    source.onopen = () => (live = true)
    source.onerror = () => {
      live = false
      // The browser connects again by itself unless it was refused.
      if (source?.readyState !== 2) return
      source.close()
      ;[source, refused] = [undefined, Date.now()]
    }
    source.addEventListener('jobs', () => void turn())
  }
  listen()
  const timer = setInterval(() => {
    listen()
    if (waits() && Date.now() - looked >= (live ? QUIET_MS : POLL_MS)) void turn()
  }, POLL_MS / 4)
  return () => {
    ended = true
    clearInterval(timer)
    source?.close()
  }
}
