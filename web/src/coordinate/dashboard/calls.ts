// What the dashboard asks of the server, and how it hears that something changed.
import type { components } from '../../api.gen'
import { client, inCampaign, result } from '../../client'

type Schemas = components['schemas']
export type Statistics = Schemas['Statistics']
export type Overview = Schemas['MapOverview']
export type Note = Schemas['Note']

const FLAGS = 5

export const calls = {
  statistics: (slug: string) => result(client.GET('/api/v1/campaigns/{slug}/statistics', inCampaign(slug))),
  overview: (slug: string) => result(client.GET('/api/v1/campaigns/{slug}/statistics/map', inCampaign(slug))),
  flags: async (slug: string): Promise<Note[]> => {
    const query = { flagged: true, open: true, limit: FLAGS }
    return (await result(client.GET('/api/v1/campaigns/{slug}/notes', { params: { path: { slug }, query } }))).notes
  },
  seenTo: (slug: string, id: string) => result(client.POST('/api/v1/campaigns/{slug}/notes/{id}/resolve', { params: { path: { slug, id } } })),
}
