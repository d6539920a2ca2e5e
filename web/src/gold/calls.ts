// What the page of gold asks of the server.
import type { components } from '../api.gen'
import { client, inCampaign, result } from '../client'

type Schemas = components['schemas']
export type GoldTile = Schemas['GoldTile']
export type GoldList = Schemas['GoldList']
export type GoldImport = Schemas['GoldImport']
export type GoldFile = Schemas['GoldFile']
export type NewGold = Schemas['NewGold']
export type GoldKind = Schemas['GoldKind']
export type Retired = Schemas['Retired']

const ofTile = (slug: string, tile_id: string) => ({ params: { path: { slug, tile_id } } })

export const calls = {
  list: (slug: string) => result(client.GET('/api/v1/campaigns/{slug}/gold', inCampaign(slug))),
  mark: (slug: string, body: NewGold) => result(client.POST('/api/v1/campaigns/{slug}/gold', { ...inCampaign(slug), body })),
  change: (slug: string, { tile, ...body }: NewGold) => result(client.POST('/api/v1/campaigns/{slug}/gold/{tile_id}', { ...ofTile(slug, tile), body })),
  retire: (slug: string, tile: string, becomes: Retired) => result(client.POST('/api/v1/campaigns/{slug}/gold/{tile_id}/retire', { ...ofTile(slug, tile), body: { becomes } })),
  bring: (slug: string, body: GoldFile) => result(client.POST('/api/v1/campaigns/{slug}/gold/import', { ...inCampaign(slug), body })),
}
