// How the answers of a scale look: which colour, which pictogram, which key.
import type { Answer } from '../api'
import { classColour, sideColour, type Theme } from './palette'

/** Pictograms on a 24 by 24 field, as lists of strokes. */
export const PICTURES = {
  intact: ['M3 11.5L12 4l9 7.5', 'M5.5 9.8V20h13V9.8', 'M10 20v-5.5h4V20'],
  cracked: ['M3 11.5L12 4l9 7.5', 'M5.5 9.8V20h13V9.8', 'M14 5.8l-2.5 4 3 2.6-2.6 3.6 1.1 4'],
  holed: ['M3 11.5l6.2-5.1 1 3 2.3-.8 1.2 2 2-3.6L21 11.5', 'M5.5 9.8V20h13V9.8', 'M10 20v-3l2-1.5-1-2.5'],
  broken: ['M3 11.5L9.5 6l.8 3.6 2.7 1-.8 3 3.3 1.4', 'M5.5 9.8V20H20l-2-3-2.5-2', 'M9.5 20v-4'],
  rubble: ['M1.5 20.5h21', 'M4 20.5V8.5l2.2 2.6 1.3-2 1 4.4 2 1.5', 'M7 20.5l3.5-5.5 3.5 1.5 2.5-2.5 2.5 3 2.5 3.5', 'M11.5 20.5l1.5-2 3 .5 1-1.5'],
  same: ['M4.5 9h15', 'M4.5 15h15'],
  changed: ['M4.5 9h15', 'M4.5 15h15', 'M15.5 4.5l-7 15'],
  unsure: ['M8.5 8.5a3.6 3.6 0 116 2.8c-1.5 1.1-2.4 1.9-2.4 3.7', 'M12 19.3v.2'],
  bad_imagery: ['M7.5 17.5a4 4 0 01-.6-7.9 5.6 5.6 0 0110.8 1.2 3.4 3.4 0 01.3 6.7z', 'M4 21L20 4'],
} as const
export type Picture = keyof typeof PICTURES
const BY_SEVERITY: Picture[] = ['intact', 'cracked', 'holed', 'broken', 'rubble']

export const classesOf = (answers: Answer[]): Answer[] => answers.filter((answer) => answer.role === 'class')

function place(key: string | number | null | undefined, classes: Answer[]): number {
  return typeof key === 'number' ? key : classes.findIndex((answer) => answer.key === key)
}

/** One pictogram for a class or side answer, two for an answer between two classes. */
export function pictureOf(answer: Answer, answers: Answer[]): Picture[] {
  if (answer.role === 'side') return [answer.key === 'bad_imagery' ? 'bad_imagery' : 'unsure']
  const classes = classesOf(answers)
  if (answer.role === 'between') {
    return [picture(place(answer.low, classes), classes), picture(place(answer.high, classes), classes)]
  }
  return [picture(place(answer.key, classes), classes)]
}

function picture(at: number, classes: Answer[]): Picture {
  if (classes.length === 2) return at === 0 ? 'same' : 'changed'
  return BY_SEVERITY[Math.round((Math.max(0, at) / Math.max(1, classes.length - 1)) * 4)] ?? 'intact'
}

export function colourOf(answer: Answer, answers: Answer[], theme: Theme, ordered = true): string {
  const classes = classesOf(answers)
  if (answer.role === 'side') return sideColour(theme)
  if (answer.role === 'class') return classColour(place(answer.key, classes), classes.length, theme, ordered)
  const middle = (place(answer.low, classes) + place(answer.high, classes)) / 2
  return classColour(middle, classes.length, theme)
}
