// The parts of the coordinator's desk, in the order of the way through them, and who may go where.
import type { Campaign } from '../api'

export type Part = 'setup' | 'desk' | 'review' | 'gold' | 'volunteers' | 'steer' | 'log'

interface Rule {
  part: Part
  /** Whether this part is for whoever looks at the campaign. */
  open: (campaign: Campaign) => boolean
}

const REVIEWERS = ['reviewer', 'researcher', 'coordinator', 'admin']
const coordinates = (campaign: Campaign) => campaign.may.coordinate

const PARTS: Rule[] = [
  { part: 'setup', open: coordinates },
  { part: 'desk', open: coordinates },
  { part: 'review', open: (campaign) => REVIEWERS.includes(campaign.role ?? '') },
  { part: 'gold', open: coordinates },
  { part: 'volunteers', open: coordinates },
  { part: 'steer', open: coordinates },
  { part: 'log', open: coordinates },
]

/** The parts that whoever looks at this campaign may open. */
export function partsFor(campaign: Campaign): Part[] {
  return PARTS.filter((rule) => rule.open(campaign)).map((rule) => rule.part)
}
