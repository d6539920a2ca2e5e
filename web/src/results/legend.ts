// The lines of the legend for each way to paint, used beside the map, in print and on the picture.
import type { Campaign, MapStatistics } from '../api'
import { classColour, sideColour, type Theme } from '../design/palette'
import { dayOf, probability } from '../format'
import { answerName, t, tOf } from '../i18n'
import { CONTESTED, whenColour, whether } from './paint'
import type { Question } from './question'

type Scale = Campaign['scale']
export interface Line {
  /** Class key, day, or yes and no. */
  key: string
  text: string
  colour: string | null
  density: number
}

/** Tiles that the crowd could not decide: no class colour, whatever is painted. */
export const contestedLine = (): Line => ({ key: 'contested', text: t('results.contested'), ...CONTESTED })

/** Tiles whose images show nothing usable: no class either. */
export const unusableLine = (theme: Theme): Line => ({ key: 'unusable', text: tOf('tile_state', 'unusable'), colour: sideColour(theme), density: 0 })

/** What the legend says below the classes, wherever it stands: of what there is none it says nothing. */
export function apartLines(counts: Pick<MapStatistics, 'contested' | 'unusable'>, theme: Theme): Line[] {
  return [...(counts.contested > 0 ? [contestedLine()] : []), ...(counts.unusable > 0 ? [unusableLine(theme)] : []), { key: '', text: t('results.not_yet'), colour: null, density: 0 }]
}

export function legendOf(question: Pick<Question, 'paint' | 'damagedIf'>, classes: string[], days: string[], scale: Scale, theme: Theme): Line[] {
  if (question.paint === 'damaged') {
    const least = probability(question.damagedIf / 100)
    return [
      { key: 'yes', text: t('results.damaged_yes', { least }), colour: whether(true, theme), density: 1 },
      { key: 'no', text: t('results.damaged_no', { least }), colour: whether(false, theme), density: 0 },
    ]
  }
  if (question.paint === 'when') return days.map((day) => ({ key: day, text: t('results.seen_by', { day: dayOf(day) }), ...whenColour(day, { days, theme }) }))
  const last = Math.max(1, classes.length - 1)
  return classes.map((key, place) => ({ key, text: answerName(key, scale), colour: classColour(place, classes.length, theme, scale.ordered), density: place / last }))
}
