// Which advice stands over which of the first twenty tiles.
import type { Key } from '../i18n'

const TIPS: Record<number, Key> = {
  0: 'tip.compare',
  2: 'tip.context',
  5: 'tip.season',
  8: 'tip.angle',
  11: 'tip.unsure',
  14: 'tip.guide',
  17: 'tip.rest',
}

export const tipAt = (answered: number): Key | undefined => TIPS[answered]
