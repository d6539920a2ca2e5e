// The parts of a campaign's house in the order of the way through them, and who may go where: one list for every page.
import type { Campaign } from '../api'
import { linkTo } from '../router.svelte'

const ORDER = ['campaign', 'setup', 'desk', 'review', 'gold', 'volunteers', 'steer', 'map', 'validate', 'releases', 'progress', 'log'] as const
export type Part = (typeof ORDER)[number]

const TEAM = ['reviewer', 'researcher', 'coordinator', 'admin']

/** Whether somebody has a part in running this campaign, beyond labelling. */
export function inTeam(campaign: Campaign): boolean {
  return campaign.may.coordinate || TEAM.includes(campaign.role ?? '')
}

/** Whether the page of this part is of use to whoever looks at the campaign. */
function isOpen(part: Part, campaign: Campaign): boolean {
  switch (part) {
    case 'setup':
    case 'desk':
    case 'gold':
    case 'volunteers':
    case 'steer':
    case 'log':
      return campaign.may.coordinate
    case 'review':
    case 'validate':
      return inTeam(campaign)
    case 'map':
      return campaign.may.see_map
    case 'releases':
      return campaign.release_level !== 'private' || campaign.may.download_labels
    case 'campaign':
    case 'progress':
      return true
  }
}

/** The parts with a tab for whoever looks: none for volunteers, who have the campaign's page and the way back to it. */
export function partsFor(campaign: Campaign): Part[] {
  return inTeam(campaign) ? ORDER.filter((part) => isOpen(part, campaign)) : []
}

/** The address of a part. */
export function linkToPart(slug: string, part: Part): string {
  return linkTo(slug, part === 'campaign' ? '' : part)
}
