// What the public progress page asks of the server.
import type { components } from '../api.gen'
import { client, result } from '../client'
import { language } from '../language.svelte'

export type CampaignProgress = components['schemas']['CampaignProgress']

export const publicProgress = (slug: string): Promise<CampaignProgress> =>
  result(client.GET('/api/v1/campaigns/{slug}/progress', { params: { path: { slug }, query: { lang: language.code } } }))

/** Address of the same for other sites. */
export const embedUrl = (slug: string): string => `${location.origin}/embed/${encodeURIComponent(slug)}`
export const jsonUrl = (slug: string): string => `/api/v1/campaigns/${encodeURIComponent(slug)}/progress`
