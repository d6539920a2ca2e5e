// Calls of the audit log.
import type { components } from '../../api.gen'
import { client, result } from '../../client'

export type Entry = components['schemas']['AuditEntry']
export interface Wanted {
  act?: string
  from?: string
  to?: string
}

export const entries = (slug: string, wanted: Wanted, after: string | null) =>
  result(client.GET('/api/v1/campaigns/{slug}/audit', { params: { path: { slug }, query: { ...wanted, limit: 50, ...(after && { after }) } } }))

/** Address of the log as a file. */
export function fileUrl(slug: string, file: 'audit.csv' | 'audit.json', wanted: Wanted): string {
  const query = new URLSearchParams(wanted as Record<string, string>).toString()
  return `/api/v1/campaigns/${encodeURIComponent(slug)}/audit/${file}${query ? `?${query}` : ''}`
}
