// The shapes of what the server tells a volunteer about learning and about their own work.
import type { Lease } from './api'
import type { Window } from './label/store'

/** One tile with its frames, as examples and misses show it. */
export interface ShownTile {
  tile: Lease['tile']
  frames: Lease['frames']
}

export interface CampaignTexts {
  /** All languages that the coordinator wrote texts in. */
  languages?: string[]
  /** What the work led to, in Markdown. */
  news?: string
  leaderboard?: boolean
  practice?: { required: boolean; tiles: number; pass_share: number } | null
}

export interface GuideEntry {
  answer: string
  text: string
  examples: (ShownTile & { window?: Window | null })[]
}
export interface Training {
  introduction: string
  guide: GuideEntry[]
  practice: { required: boolean; pass_share: number; answered: number; right: number; passed: boolean; tiles: (ShownTile & { answered: boolean })[] }
}
export interface Practised {
  right: boolean
  answer: string
  window?: Window | null
  explanation: string
  answered: number
  right_total: number
  passed: boolean
}

export interface Standing {
  labels: number
  today: number
  skips: number
  closed_tiles: number
  agreed: number
  /** None below ten closed tiles. */
  agreement: { share: number; low: number; high: number } | null
  practice: { answered: number; right: number }
  severity: 'milder' | 'graver' | null
  news: string
}
export interface Miss extends ShownTile {
  mine: { answer: string; window?: Window | null }
  consensus: { answer: string; probability: number | null; labels: number; agreement: number | null; window?: Window | null }
  explanation?: string | null
  closed_at: string
}
export interface Misses {
  misses: Miss[]
  next: string | null
  /** False where the results are not for this reader: then there is nothing to compare with. */
  shown: boolean
}
export interface Leaderboard {
  places: { place: number; name: string; labels: number; me: boolean }[]
  mine: { place: number; name: string; labels: number; me: boolean } | null
}
export interface Renewed {
  leases: { lease_id: string; expires_at: string }[]
}
