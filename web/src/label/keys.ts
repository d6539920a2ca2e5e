// What each key does on the labelling screen. Answers are numbered in the order in which they stand on screen.
import type { Answer } from '../api'

export type Command =
  | { do: 'answer'; key: string }
  | { do: 'skip' | 'undo' | 'layout' | 'outline' | 'help' | 'zoom-in' | 'zoom-out' | 'reset' | 'flip' | 'exposure' | 'guide' | 'remark' | 'gold' }
  | { do: 'slide'; by: -1 | 1 }
  | { do: 'frame'; by: -1 | 1 }
  | { do: 'play' | 'intact' | 'damaged' | 'never' | 'already' | 'unknown' }
  | { do: 'pan'; x: -1 | 0 | 1; y: -1 | 0 | 1 }

export interface Stroke {
  key: string
  ctrlKey: boolean
  metaKey: boolean
  altKey: boolean
  shiftKey: boolean
}

const PLAIN: Record<string, Command> = {
  s: { do: 'skip' },
  z: { do: 'undo' },
  v: { do: 'layout' },
  o: { do: 'outline' },
  e: { do: 'exposure' },
  g: { do: 'guide' },
  r: { do: 'remark' },
  m: { do: 'gold' },
  ' ': { do: 'flip' },
  '?': { do: 'help' },
  '+': { do: 'zoom-in' },
  '=': { do: 'zoom-in' },
  '-': { do: 'zoom-out' },
  '0': { do: 'reset' },
  arrowleft: { do: 'slide', by: -1 },
  arrowright: { do: 'slide', by: 1 },
}
/** In a timeline the arrows turn the frames. */
const IN_TIMELINE: Record<string, Command> = {
  arrowleft: { do: 'frame', by: -1 },
  arrowright: { do: 'frame', by: 1 },
  p: { do: 'play' },
  i: { do: 'intact' },
  d: { do: 'damaged' },
  n: { do: 'never' },
  a: { do: 'already' },
  t: { do: 'unknown' },
}
const SHIFTED: Record<string, Command> = {
  arrowleft: { do: 'pan', x: -1, y: 0 },
  arrowright: { do: 'pan', x: 1, y: 0 },
  arrowup: { do: 'pan', x: 0, y: 1 },
  arrowdown: { do: 'pan', x: 0, y: -1 },
}
const SIDE_KEYS: Record<string, string> = { unsure: 'u', bad_imagery: 'b' }

/** The key printed on an answer's button: 1 to 9 for classes and answers between them, a letter for the side answers. */
export function keyOf(answer: Answer, answers: Answer[]): string {
  if (answer.role === 'side') return SIDE_KEYS[answer.key] ?? ''
  const number = answers.filter((other) => other.role !== 'side').indexOf(answer) + 1
  return number >= 1 && number <= 9 ? String(number) : ''
}

/** What a key stroke means, or null when it is not ours (the browser keeps its own shortcuts). */
export function commandOf(stroke: Stroke, answers: Answer[], timeline = false): Command | null {
  const key = stroke.key.toLowerCase()
  if (stroke.ctrlKey || stroke.metaKey) return key === 'z' && !stroke.shiftKey && !stroke.altKey ? { do: 'undo' } : null
  if (stroke.altKey) return null
  if (stroke.shiftKey && SHIFTED[key]) return SHIFTED[key]
  const answer = answers.find((candidate) => keyOf(candidate, answers) === key)
  if (answer) return { do: 'answer', key: answer.key }
  return (timeline && IN_TIMELINE[key]) || (PLAIN[key] ?? null)
}
