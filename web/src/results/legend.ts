// The lines of the legend for each way to paint, used beside the map, in print and on the picture.
import { classColour, type Theme } from '../design/palette'
import { dayOf, probability } from '../format'
import { answerName, t } from '../i18n'
import { CONTESTED, whenColour, whether } from './paint'
import type { Question } from './question'

export interface Line {
  /** Class key, day, or yes and no. */
  key: string
  text: string
  colour: string | null
  density: number
}

/** Tiles that the crowd could not decide: no class colour, whatever is painted. */
export const contestedLine = (): Line => ({ key: 'contested', text: t('results.contested'), ...CONTESTED })

export function legendOf(question: Pick<Question, 'paint' | 'damagedIf'>, classes: string[], days: string[], ordered: boolean, theme: Theme): Line[] {
  if (question.paint === 'damaged') {
    const least = probability(question.damagedIf / 100)
    return [
      { key: 'yes', text: t('results.damaged_yes', { least }), colour: whether(true, theme), density: 1 },
      { key: 'no', text: t('results.damaged_no', { least }), colour: whether(false, theme), density: 0 },
    ]
  }
  if (question.paint === 'when') return days.map((day) => ({ key: day, text: t('results.seen_by', { day: dayOf(day) }), ...whenColour(day, { days, theme }) }))
  const last = Math.max(1, classes.length - 1)
  return classes.map((key, place) => ({ key, text: answerName(key), colour: classColour(place, classes.length, theme, ordered), density: place / last }))
}
