// The parts of the coordinator's desk, in the order of the way through them, and who may go where.
import type { Campaign } from '../api'

export type Part = 'progress' | 'review' | 'gold'
export type Part = 'desk'
export type Part = 'setup' | 'progress'
export type Part = 'progress' | 'volunteers'
export type Part = 'progress' | 'steer' | 'log'

interface Rule {
  part: Part
  /** Whether this part is for whoever looks at the campaign. */
  open: (campaign: Campaign) => boolean
}

const REVIEWERS = ['reviewer', 'researcher', 'coordinator', 'admin']
const PARTS: Rule[] = [
  { part: 'progress', open: (campaign) => campaign.may.coordinate },
  { part: 'review', open: (campaign) => REVIEWERS.includes(campaign.role ?? '') },
  { part: 'gold', open: (campaign) => campaign.may.coordinate },
]
const PARTS: Rule[] = [{ part: 'desk', open: (campaign) => campaign.may.coordinate }]
const PARTS: Rule[] = [
  { part: 'setup', open: (campaign) => campaign.may.coordinate && ['draft', 'paused'].includes(campaign.state) },
  { part: 'progress', open: (campaign) => campaign.may.coordinate },
const PARTS: Rule[] = [
  { part: 'progress', open: (campaign) => campaign.may.coordinate },
  { part: 'volunteers', open: (campaign) => campaign.may.coordinate },
const PARTS: Rule[] = [
  { part: 'progress', open: (campaign) => campaign.may.coordinate },
  { part: 'steer', open: (campaign) => campaign.may.coordinate },
  { part: 'log', open: (campaign) => campaign.may.coordinate },
]

/** The parts that whoever looks at this campaign may open. */
export function partsFor(campaign: Campaign): Part[] {
  return PARTS.filter((rule) => rule.open(campaign)).map((rule) => rule.part)
}
