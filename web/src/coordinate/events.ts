// A campaign's events, as the server tells them; where it refuses them they are asked for again, but not at once.

/** Before events are asked for again after they were refused, milliseconds. */
const AGAIN = 60_000

export type Open = (url: string) => EventSource

export interface Listener {
  /** Something of the kinds asked for happened. */
  hear(): void
  /** Whether the server tells by itself, from now on. */
  onlive(live: boolean): void
}

/** A line to the server: `listen` opens it where it is not open, unless it was refused just now. */
export function eventsOf(slug: string, kinds: readonly string[], { hear, onlive }: Listener, open: Open | null) {
  let source: EventSource | undefined
  let refused = 0
  return {
    listen() {
      if (!open || source || Date.now() - refused < AGAIN) return
      source = open(`/api/v1/campaigns/${encodeURIComponent(slug)}/events`)
      source.onopen = () => onlive(true)
      source.onerror = () => {
        onlive(false)
        // The browser connects again by itself unless it was refused.
        if (source?.readyState !== 2) return
        source.close()
        ;[source, refused] = [undefined, Date.now()]
      }
      for (const kind of kinds) source.addEventListener(kind, hear)
    },
    close: () => source?.close(),
  }
}
