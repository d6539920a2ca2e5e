// Which tabs of this browser have the same campaign open: they show the same tiles, so only the last to close gives them back.
import { uuidV7 } from './uuid'

type Word = 'who' | 'here' | 'gone'

/** One tab's place among its kind. What the others say is known at once, because a page that is closing can wait for nothing. */
export class Tabs {
  #me = uuidV7()
  #others = new Set<string>()
  #channel: BroadcastChannel | null = null

  constructor(readonly slug: string) {
    this.join()
  }

  /**
   * Whether no other tab is known. A browser without channels cannot tell, and a tab that was killed never said so: the tiles are
   * kept then and run out by themselves.
   */
  get alone(): boolean {
    return this.#channel !== null && this.#others.size === 0
  }

  join(): void {
    if (this.#channel || !('BroadcastChannel' in globalThis)) return
    this.#channel = new BroadcastChannel(`aftermap/label/${this.slug}`)
    this.#channel.onmessage = ({ data }: MessageEvent<{ from: string; word: Word }>) => this.#hear(data.from, data.word)
    this.#say('who')
  }

  leave(): void {
    this.#say('gone')
    this.#channel?.close()
    this.#channel = null
    this.#others.clear()
  }

  #hear(from: string, word: Word): void {
    if (word === 'gone') this.#others.delete(from)
    else this.#others.add(from)
    if (word === 'who') this.#say('here')
  }

  #say(word: Word): void {
    this.#channel?.postMessage({ from: this.#me, word })
  }
}
