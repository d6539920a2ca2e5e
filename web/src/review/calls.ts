// What reviewing asks of the server.
import type { components } from '../api.gen'
import { client, inCampaign, result } from '../client'

type Schemas = components['schemas']
export type ReviewTile = Schemas['ReviewTile']
export type ReviewQueue = Schemas['ReviewQueue']
export type Review = Schemas['Review']
export type NewReview = Schemas['NewReview']
export type ReviewReceipt = Schemas['ReviewReceipt']

export const calls = {
  queue: (slug: string, limit: number) => result(client.GET('/api/v1/campaigns/{slug}/reviews/queue', { params: { path: { slug }, query: { limit } } })),
  tile: (slug: string, tile_id: string) => result(client.GET('/api/v1/campaigns/{slug}/reviews/tiles/{tile_id}', { params: { path: { slug, tile_id } } })),
  decide: (slug: string, body: NewReview) => result(client.POST('/api/v1/campaigns/{slug}/reviews', { ...inCampaign(slug), body })),
  withdraw: (slug: string, id: string) => result(client.DELETE('/api/v1/campaigns/{slug}/reviews/{id}', { params: { path: { slug, id } } })),
  hold: (slug: string, tile: string) => result(client.POST('/api/v1/campaigns/{slug}/reviews/holds', { ...inCampaign(slug), body: { tile } })),
}
