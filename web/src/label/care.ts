// Remembers on this device that a campaign's care notice was read; another text asks again.
import type { Campaign } from '../api'

const keyOf = (campaign: Campaign) => `care:${campaign.slug}`
const textOf = (campaign: Campaign) => campaign.care_notice + campaign.instructions

export function careAccepted(campaign: Campaign): boolean {
  try {
    return localStorage.getItem(keyOf(campaign)) === digest(textOf(campaign))
  } catch {
    return false
  }
}

export function acceptCare(campaign: Campaign): void {
  try {
    localStorage.setItem(keyOf(campaign), digest(textOf(campaign)))
  } catch {
    // Without storage the notice is shown at each start.
  }
}

/** A short fingerprint (FNV-1a, 32 bit): tells one text from another, keeps nothing secret. */
export function digest(text: string): string {
  let hash = 0x811c9dc5
  for (const char of text) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193)
  return (hash >>> 0).toString(16)
}
