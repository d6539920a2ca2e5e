// The settings of a campaign while somebody writes them: saved by themselves, never over somebody else's, never lost on the way.
import { ApiError } from '../../client'
import { visit } from '../../visit'
import { at, nested, same, withAt, type Json } from './paths'
import { faultOf, inOneLine } from './refused'

/** Settings as the server has them, and what tells this version from any other. */
export interface Held<T> {
  settings: T
  revision: string
}
/** How settings come and go. `save` fails with status 409 or 412 where they are no longer those of `revision`. */
export interface Keeper<T> {
  load(): Promise<Held<T>>
  save(changes: Record<string, Json>, revision: string): Promise<Held<T>>
}
/** Where changes wait on this device until the server has them. */
export interface Shelf {
  read(): string
  write(text: string): void
}
export type Saving = 'saved' | 'unsaved' | 'saving' | 'offline' | 'fault' | 'signed_out'

interface Change {
  value: Json
  /** What the server had when the change began: if it has something else now, somebody else was here. */
  base: Json
}

export const REST_MS = 700
const AGAIN_MS = 4000
/** Somebody else may save again and again; after so many rounds the next key stroke tries anew. */
const ROUNDS = 4

export class Draft<T extends object> {
  #held = $state.raw() as Held<T>
  #changes = $state.raw<ReadonlyMap<string, Change>>(new Map())
  /** Why the server does not take the value of a path, in the reader's language. */
  faults = $state.raw<ReadonlyMap<string, string>>(new Map())
  /** What somebody else has written meanwhile at a path that is being changed here. */
  conflicts = $state.raw<ReadonlyMap<string, Json>>(new Map())
  /** What is wrong with no path in particular. */
  problem = $state('')
  saving = $state<Saving>('saved')
  /** The settings with what has not been saved yet. */
  settings = $derived.by(() => [...this.#changes].reduce((all, [path, { value }]) => withAt(all, path, value), this.#held.settings))
  #timer: ReturnType<typeof setTimeout> | undefined
  #sending: Promise<void> | null = null

  constructor(held: Held<T>, readonly keeper: Keeper<T>, readonly shelf: Shelf, readonly onsaved: (held: Held<T>) => void = () => undefined) {
    this.#held = held
    this.#restore()
  }

  get revision(): string {
    return this.#held.revision
  }
  value(path: string): unknown {
    return at(this.settings, path)
  }
  /** What is shown beside a path. */
  fault(path: string): string {
    return this.faults.get(path) ?? ''
  }

  set(path: string, value: Json): void {
    const base = this.#changes.get(path)?.base ?? ((at(this.#held.settings, path) ?? null) as Json)
    this.#forgive(path)
    this.#put(path, same(value, base) ? null : { value, base })
    this.#later(REST_MS)
  }
  /** Ends a conflict: with what stands here, or with what the other wrote. */
  settle(path: string, mine: boolean): void {
    const theirs = this.conflicts.get(path) ?? null
    const change = this.#changes.get(path)
    this.#forgive(path)
    this.#put(path, mine && change ? { value: change.value, base: theirs } : null)
    this.#later(0)
  }
  /** Sends at once what waits: on leaving a step or the page. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#sending ??= this.#send().finally(() => (this.#sending = null))
    return this.#sending
  }
  /** Looks whether somebody else was here; keeps what is being written. */
  async refresh(): Promise<void> {
    if (this.#sending) return
    const fresh = await this.keeper.load()
    if (fresh.revision !== this.#held.revision) this.#meet(fresh)
  }
  /** Takes over what another call answered. */
  take(held: Held<T>): void {
    this.#meet(held)
  }
  dispose(): void {
    clearTimeout(this.#timer)
    void this.flush()
  }

  #later(pause: number): void {
    clearTimeout(this.#timer)
    this.saving = this.#ready().size > 0 ? 'unsaved' : this.#rest()
    if (this.#ready().size > 0) this.#timer = setTimeout(() => void this.flush(), pause)
  }
  #rest(): Saving {
    return this.faults.size + this.conflicts.size > 0 || this.problem ? 'fault' : 'saved'
  }
  /** What may be sent: neither refused nor in conflict. */
  #ready(): Map<string, Json> {
    return new Map([...this.#changes].filter(([path]) => !this.faults.has(path) && !this.conflicts.has(path)).map(([path, { value }]) => [path, value]))
  }

  async #send(): Promise<void> {
    for (let round = 0; round < ROUNDS; round += 1) {
      const batch = this.#ready()
      if (batch.size === 0) break
      this.saving = 'saving'
      try {
        this.#saved(await this.keeper.save(nested(batch), this.#held.revision), batch)
      } catch (error) {
        if (!(await this.#explain(error, batch))) return
      }
    }
    this.saving = this.#ready().size > 0 ? 'unsaved' : this.#rest()
  }
  #saved(held: Held<T>, batch: Map<string, Json>): void {
    this.#held = held
    this.problem = ''
    const rest = new Map(this.#changes)
    for (const [path, value] of batch) {
      const change = rest.get(path)
      if (change && same(change.value, value)) rest.delete(path)
      else if (change) rest.set(path, { ...change, base: value })
    }
    this.#keep(rest)
    this.onsaved(held)
  }
  /** What a refusal means; true where the rest may be sent at once. */
  async #explain(error: unknown, batch: Map<string, Json>): Promise<boolean> {
    if (!(error instanceof ApiError)) throw error
    if (error.passing) {
      this.saving = 'offline'
      this.#timer = setTimeout(() => void this.flush(), AGAIN_MS)
      return false
    }
    // A draft is nothing to nobody: what looks like a missing campaign is the end of the session, in another tab perhaps.
    if (error.status === 401 || (error.status === 404 && !visit.signedIn)) {
      this.saving = 'signed_out'
      return false
    }
    if ((error.status === 409 || error.status === 412) && !error.field) {
      const fresh = await this.keeper.load().catch(() => null)
      if (fresh && fresh.revision !== this.#held.revision) {
        this.#meet(fresh)
        return true
      }
    }
    const path = pathOf(error.field, [...batch.keys()])
    if (path) this.faults = new Map(this.faults).set(path, faultOf(error))
    else this.problem = inOneLine(error)
    this.saving = 'fault'
    return path !== null
  }
  /** A newer version: changes that touch what is still as it was stand; the others are in conflict. */
  #meet(fresh: Held<T>): void {
    const conflicts = new Map(this.conflicts)
    const changes = new Map<string, Change>()
    for (const [path, { value, base }] of this.#changes) {
      const theirs = (at(fresh.settings, path) ?? null) as Json
      if (same(theirs, value)) conflicts.delete(path)
      else {
        if (!same(theirs, base)) conflicts.set(path, theirs)
        changes.set(path, { value, base })
      }
    }
    this.#held = fresh
    this.conflicts = conflicts
    this.#keep(changes)
    this.onsaved(fresh)
    if (!this.#sending) this.saving = this.#ready().size > 0 ? 'unsaved' : this.#rest()
  }

  #forgive(path: string): void {
    const [faults, conflicts] = [new Map(this.faults), new Map(this.conflicts)]
    // A value may be refused because of another: whatever changes, all are asked about again.
    faults.clear()
    conflicts.delete(path)
    this.faults = faults
    this.conflicts = conflicts
    this.problem = ''
  }
  #put(path: string, change: Change | null): void {
    const changes = new Map(this.#changes)
    if (change) changes.set(path, change)
    else changes.delete(path)
    this.#keep(changes)
  }
  #keep(changes: ReadonlyMap<string, Change>): void {
    this.#changes = changes
    this.shelf.write(changes.size > 0 ? JSON.stringify([...changes]) : '')
  }
  #restore(): void {
    try {
      this.#changes = new Map(JSON.parse(this.shelf.read() || '[]') as [string, Change][])
    } catch {
      this.shelf.write('')
    }
    if (this.#changes.size === 0) return
    this.#meet(this.#held)
    this.#later(0)
  }
}

/** The path that the server's field means: itself, or the nearest above or below it. */
export function pathOf(field: string | null, paths: string[]): string | null {
  if (!field) return paths.length === 1 ? (paths[0] ?? null) : null
  return paths.find((path) => path === field) ?? paths.find((path) => field.startsWith(`${path}.`) || path.startsWith(`${field}.`)) ?? null
}
