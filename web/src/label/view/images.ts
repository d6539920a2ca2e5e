// Image tiles, fetched, decoded and held ready to draw: as many as a cheap phone can keep, the least recently used go first.
import { fetchImage } from '../../api'

export type Picture = ImageBitmap | 'empty'
type Wish = 'warm' | 'soon' | 'now'
const ORDER: Wish[] = ['now', 'soon', 'warm']
const KEPT = 220
const AT_ONCE = 8
const RETRY_MS = 3_000

export class Images {
  #held = new Map<string, Picture>()
  /** How much each is wanted: to draw now, to draw soon, or only to be fetched once. */
  #waiting = new Map<string, Wish>()
  #warmed = new Set<string>()
  /** What is being fetched, and how much it is wanted by now. */
  #running = new Map<string, Wish>()
  #stopped = new AbortController()

  constructor(
    /** Called when an image has come or was found not to exist. */
    readonly changed: () => void,
    readonly fetchOne: (url: string, signal: AbortSignal) => Promise<Blob | null> = fetchImage,
    readonly decode: (blob: Blob) => Promise<ImageBitmap> = (blob) => createImageBitmap(blob),
  ) {}

  /** The image if it is here; else null, and it is asked for, before those that are only wanted early. */
  get(url: string): Picture | null {
    const picture = this.#held.get(url)
    if (!picture) {
      this.want(url, 'now')
      return null
    }
    this.#held.delete(url)
    this.#held.set(url, picture)
    return picture
  }
  /** The image if it is here, without asking for it. */
  peek(url: string): Picture | null {
    return this.#held.get(url) ?? null
  }

  want(url: string, wish: Wish = 'soon'): void {
    if (this.#held.has(url)) return
    if (this.#running.has(url)) {
      // On its way only to be there early, and wanted in earnest meanwhile: it will be drawn when it comes.
      if (wish !== 'warm') this.#running.set(url, wish)
      return
    }
    const known = this.#waiting.get(url) ?? 'warm'
    this.#waiting.set(url, ORDER.indexOf(wish) < ORDER.indexOf(known) ? wish : known)
    this.#work()
  }
  /** Has an image fetched, so that the browser's own store or the service worker holds it, without decoding it. */
  warm(url: string): void {
    if (!this.#warmed.has(url)) this.want(url, 'warm')
  }

  /** Forgets what was asked for and has not begun: another tile is shown now. */
  dropWaiting(): void {
    this.#waiting.clear()
  }

  dispose(): void {
    this.#stopped.abort()
    this.#waiting.clear()
    for (const picture of this.#held.values()) if (picture !== 'empty') picture.close()
    this.#held.clear()
  }

  #work(): void {
    while (this.#running.size < AT_ONCE && this.#waiting.size > 0) {
      const all = [...this.#waiting]
      const [url, wish] = ORDER.map((wish) => all.find((entry) => entry[1] === wish)).find(Boolean)!
      this.#waiting.delete(url)
      this.#running.set(url, wish)
      void this.#load(url)
    }
  }

  async #load(url: string): Promise<void> {
    const { signal } = this.#stopped
    try {
      const blob = await this.fetchOne(url, signal)
      this.#warmed.add(url)
      if (this.#running.get(url) === 'warm') {
        this.#running.delete(url)
        return this.#work()
      }
      const picture = blob ? await this.decode(blob) : 'empty'
      if (signal.aborted) return
      this.#held.set(url, picture)
      this.#forget()
      this.#running.delete(url)
      this.changed()
    } catch {
      // Asked for again when it is next drawn, a moment later, so that a dead line is not hammered.
      if (signal.aborted) return
      setTimeout(() => {
        this.#running.delete(url)
        if (!signal.aborted) this.changed()
      }, RETRY_MS)
    }
    this.#work()
  }

  #forget(): void {
    for (const [url, picture] of this.#held) {
      if (this.#held.size <= KEPT) return
      if (picture !== 'empty') picture.close()
      this.#held.delete(url)
    }
  }
}
