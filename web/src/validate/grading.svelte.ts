// One sitting of blind grading: the next tiles, the grade on its way, the last one to take back.
import { api, ApiError, type Desk, type ShownTile } from '../api'
import { tOf } from '../i18n'

/** Tiles asked for at a time. */
const AT_ONCE = 4
/** Below so many in hand, more are fetched. */
const FEW = 2

export class Grading {
  tiles = $state.raw<ShownTile[]>([])
  mine = $state(0)
  left = $state(0)
  barred = $state(0)
  /** The answer given before to the tile in view, when it was taken back. */
  given = $state<string | null>(null)
  busy = $state(true)
  problem = $state('')
  last = $state.raw<{ tile: ShownTile; answer: string } | null>(null)
  shown = $derived(this.tiles[0] ?? null)

  #since = Date.now()

  constructor(
    readonly slug: string,
    readonly number: number,
  ) {}

  async start(): Promise<void> {
    await this.#attempt(() => this.#fetch())
    this.#since = Date.now()
  }

  async grade(answer: string): Promise<void> {
    const tile = this.shown
    if (!tile || this.busy) return
    await this.#attempt(async () => {
      const seconds = Math.min(86_400, (Date.now() - this.#since) / 1000)
      await api.grade(this.slug, this.number, { tile: tile.tile.id, answer, seconds })
      if (this.given === null) {
        this.mine += 1
        this.left = Math.max(0, this.left - 1)
      }
      this.last = { tile, answer }
      this.given = null
      this.tiles = this.tiles.slice(1)
      this.#since = Date.now()
      if (this.tiles.length < FEW) await this.#fetch()
    })
  }

  /** Shows the tile graded last again; another answer replaces the first. */
  takeBack(): void {
    if (!this.last || this.busy) return
    this.tiles = [this.last.tile, ...this.tiles]
    this.given = this.last.answer
    this.last = null
  }

  async #fetch(): Promise<void> {
    const desk: Desk = await api.desk(this.slug, this.number, AT_ONCE)
    const held = new Set(this.tiles.map(({ tile }) => tile.id))
    this.tiles = [...this.tiles, ...desk.tiles.filter(({ tile }) => !held.has(tile.id))]
    ;[this.mine, this.left, this.barred] = [desk.mine, desk.left, desk.barred]
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    this.busy = true
    this.problem = ''
    try {
      await work()
    } catch (error) {
      const known = error instanceof ApiError
      this.problem = known && !error.passing ? error.detail : tOf('problem', known ? error.code : 'unavailable')
    }
    this.busy = false
  }
}
