/** Events as a test sends them, in place of the browser's. */
export class Source {
  static all: Source[] = []
  readyState = 0
  onopen = () => undefined as void
  onerror = () => undefined as void
  #heard = new Map<string, () => void>()
  constructor(readonly url: string) {
    Source.all.push(this)
  }
  addEventListener = (kind: string, hear: () => void) => void this.#heard.set(kind, hear)
  send = (kind: string) => this.#heard.get(kind)?.()
  close = () => void (this.readyState = 2)
}

export const open = (url: string) => new Source(url) as unknown as EventSource
