// What one marks in a timeline: the last image in which a place stands and the first that shows damage. Impossible windows cannot be made.
import type { Answer, Lease, Window } from '../api'
import { classesOf } from '../design/scale'
import type { Said } from './queue'

type Frames = Lease['frames']
/** `unknown`: damaged, but nobody can tell when. */
export type Finding = 'nothing' | 'started' | 'between' | 'already' | 'never' | 'unknown'

export class Timeline {
  /** Place of the frame on screen. */
  at = $state(0)
  intact = $state<number | null>(null)
  damaged = $state<number | null>(null)
  unknown = $state(false)

  readonly last: number

  constructor(
    readonly frames: Frames,
    said: Said | null = null,
  ) {
    this.last = frames.length - 1
    const place = (scene: string | null | undefined) => {
      const found = frames.findIndex((frame) => frame.scene_id === scene)
      return found < 0 ? null : found
    }
    this.intact = place(said?.window?.last_intact)
    this.damaged = place(said?.window?.first_damaged)
    this.at = this.damaged ?? 0
  }

  get finding(): Finding {
    if (this.unknown) return 'unknown'
    if (this.damaged === 0) return 'already'
    if (this.damaged !== null) return 'between'
    if (this.intact === this.last) return 'never'
    return this.intact === null ? 'nothing' : 'started'
  }

  /** Shows another frame; stays at the ends. Returns whether there was one. */
  go(by: number): boolean {
    const to = Math.max(0, Math.min(this.last, this.at + by))
    const went = to !== this.at
    this.at = to
    return went
  }

  /** It stands in this frame: damage marked here or earlier was a mistake. */
  markIntact(place = this.at): void {
    this.unknown = false
    this.intact = place
    if (this.damaged !== null && this.damaged <= place) this.damaged = null
  }
  /** It is damaged in this frame: so it was last seen intact before, in the frame before unless an earlier one was marked. */
  markDamaged(place = this.at): void {
    this.unknown = false
    this.damaged = place
    if (this.intact === null || this.intact >= place) this.intact = place > 0 ? place - 1 : null
  }
  markNever(): void {
    this.unknown = false
    this.intact = this.last
    this.damaged = null
  }
  markAlready(): void {
    this.at = 0
    this.intact = null
    this.markDamaged(0)
  }
  markUnknown(): void {
    this.intact = this.damaged = null
    this.unknown = true
  }

  /** What is sent: scenes by name; nothing where nobody can tell. */
  get window(): Window | undefined {
    if (this.finding === 'nothing' || this.finding === 'unknown') return undefined
    const scene = (place: number | null) => (place === null ? null : (this.frames[place]?.scene_id ?? null))
    return { last_intact: scene(this.intact), first_damaged: scene(this.damaged) }
  }

  /**
   * The answer with its window, or null where the two do not fit yet. The mildest class means never damaged and says so itself; a graver
   * one needs the first damaged frame, or that nobody can tell; answers beside the scale carry no window.
   */
  sayWith(answer: Answer, answers: Answer[]): Said | null {
    if (answer.role === 'side') return { answer: answer.key }
    if (answer.key === classesOf(answers)[0]?.key) this.markNever()
    else if (this.damaged === null && !this.unknown) return null
    const { window } = this
    return { answer: answer.key, ...(window && { window }) }
  }
}

/** How a window reads in words: which text, and the dates it takes. */
export function wordsOf(window: Window | null | undefined, captured: (scene: string) => { from: string; to: string } | undefined) {
  const intact = window?.last_intact ? captured(window.last_intact) : undefined
  const damaged = window?.first_damaged ? captured(window.first_damaged) : undefined
  if (intact && damaged) return { text: 'between', from: intact.from, to: damaged.to } as const
  if (damaged) return { text: 'before', from: '', to: damaged.to } as const
  if (intact) return { text: 'intact', from: intact.to, to: '' } as const
  return { text: 'unknown', from: '', to: '' } as const
}
