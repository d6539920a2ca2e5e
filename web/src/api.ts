// What the page asks of the server: one typed call for each thing. Rooms with many calls keep them in a `calls.ts` of their own.
import type { components } from './api.gen'
import { client, errorOf, inCampaign, reachSignedIn, result } from './client'
import { keepReply } from './device'
import { language } from './language.svelte'

export { ApiError, refreshSession } from './client'

type Schemas = components['schemas']

export type Session = Schemas['Session']
export type CampaignSummary = Schemas['CampaignSummary']
export type Campaign = Schemas['Campaign']
export type Answer = Schemas['Answer']
export type Scene = Schemas['Scene']
export type Progress = Schemas['Progress']
export type Lease = Schemas['Lease']
export type Receipts = Schemas['LabelReceipts']
export type LabelItem = Schemas['LabelItem']
export type Window = Schemas['Window']
export type NewAccount = Schemas['Account']
export type ShownTile = Schemas['ShownTile']
export type GuideEntry = Schemas['GuideEntry']
export type Training = Schemas['Training']
export type PracticeFeedback = Schemas['PracticeFeedback']
export type Standing = Schemas['Standing']
export type Miss = Schemas['Miss']
export type NewNote = Schemas['NewNote']
export type Token = Schemas['Token']
export type Scope = Schemas['Scope']
export type MapStatistics = Schemas['MapStatistics']
export type MapRow = Schemas['MapRow']
export type MapTile = Schemas['MapTileInFull']
export type Samples = Schemas['Samples']
export type NewSample = Schemas['NewSample']
export type Desk = Schemas['Desk']
export type NewGrade = Schemas['NewGrade']
export type Estimate = Schemas['Estimate']
export type ValidationReport = Schemas['ValidationReport']
export type Release = Schemas['Release']
export type Releases = Schemas['Releases']
export type ReleaseWanted = Schemas['ReleaseWanted']
export type AreaCells = Schemas['AreaCells']

/** In the reader's language, where the campaign has its texts in it. */
const readIn = (slug: string) => ({ params: { path: { slug }, query: { lang: language.code } } })
const MISSES_AT_ONCE = 12
const ROWS_AT_ONCE = 50

export const api = {
  session: () => result(client.GET('/api/v1/session')),
  signIn: (name: string, password: string, code?: string) => result(client.POST('/api/v1/session', { body: { name, password, ...(code && { code }) } })),
  signOut: () => result(client.DELETE('/api/v1/session')),
  guest: () => result(client.POST('/api/v1/guests')),
  register: (name: string, password: string): Promise<NewAccount> =>
    result(client.POST('/api/v1/accounts', { body: { name, password } })),
  changePassword: (password: string, new_password: string) => result(client.POST('/api/v1/me/password', { body: { password, new_password } })),
  recover: (name: string, recovery_code: string, password: string, code?: string) =>
    result(client.POST('/api/v1/session/recovery', { body: { name, recovery_code, password, ...(code && { code }) } })),

  campaigns: () => keepReply('campaigns', () => result(client.GET('/api/v1/campaigns', { params: { query: { lang: language.code } } }))),
  campaign: (slug: string) => keepReply(`campaign/${slug}`, () => result(client.GET('/api/v1/campaigns/{slug}', readIn(slug)))),
  setState: (slug: string, state: 'open' | 'paused' | 'closed', reason = '') =>
    result(client.POST('/api/v1/campaigns/{slug}/state', { ...inCampaign(slug), body: { state, reason } })),

  leases: (slug: string, count: number) =>
    result(client.POST('/api/v1/campaigns/{slug}/leases', { ...inCampaign(slug), body: { count } })),
  submit: (items: LabelItem[]): Promise<Receipts> => result(client.POST('/api/v1/labels', { body: items })),
  skip: (id: string) => result(client.DELETE('/api/v1/leases/{id}', { params: { path: { id }, query: { skip: true } } })),
  renew: (lease_ids: string[]) => result(client.POST('/api/v1/leases/renew', { body: { lease_ids } })),
  note: (slug: string, note: NewNote) => result(client.POST('/api/v1/campaigns/{slug}/notes', { ...inCampaign(slug), body: note })),

  training: (slug: string) => keepReply(`training/${slug}`, () => result(client.GET('/api/v1/campaigns/{slug}/training', readIn(slug)))),
  practise: (slug: string, tile: string, answer: string, window?: Window) =>
    result(client.POST('/api/v1/campaigns/{slug}/practice', { ...inCampaign(slug), body: { tile, answer, ...(window && { window }) } })),
  standing: (slug: string) => result(client.GET('/api/v1/campaigns/{slug}/me', readIn(slug))),
  misses: (slug: string, after: string | null) => result(client.GET('/api/v1/campaigns/{slug}/me/misses', { params: { path: { slug }, query: { limit: MISSES_AT_ONCE, ...(after && { after }) } } })),
  leaderboard: (slug: string) => result(client.GET('/api/v1/campaigns/{slug}/leaderboard', inCampaign(slug))),
  tokens: () => result(client.GET('/api/v1/me/tokens')),
  makeToken: (name: string, scopes: Scope[], days: number) => result(client.POST('/api/v1/me/tokens', { body: { name, scopes, days } })),
  revokeToken: (id: string) => result(client.DELETE('/api/v1/me/tokens/{id}', { params: { path: { id } } })),
  deleteMe: (password?: string, code?: string) => result(client.DELETE('/api/v1/me', { body: { ...(password !== undefined && { password }), ...(code && { code }) } })),

  mapStatistics: (slug: string, filter: Record<string, string>) => result(client.GET('/api/v1/campaigns/{slug}/map/statistics', { params: { path: { slug }, query: filter } })),
  mapTiles: (slug: string, filter: Record<string, string>, after: string | null) =>
    result(client.GET('/api/v1/campaigns/{slug}/map/tiles', { params: { path: { slug }, query: { ...filter, limit: ROWS_AT_ONCE, ...(after && { after }) } } })),
  mapTile: (slug: string, tile_id: string) => result(client.GET('/api/v1/campaigns/{slug}/map/tiles/{tile_id}', { params: { path: { slug, tile_id } } })),
  samples: (slug: string) => result(client.GET('/api/v1/campaigns/{slug}/validation', inCampaign(slug))),
  drawSample: (slug: string, body: NewSample) => result(client.POST('/api/v1/campaigns/{slug}/validation', { ...inCampaign(slug), body })),
  desk: (slug: string, number: number, count: number) =>
    result(client.GET('/api/v1/campaigns/{slug}/validation/{number}/desk', { params: { path: { slug, number }, query: { count } } })),
  grade: (slug: string, number: number, body: NewGrade) => result(client.POST('/api/v1/campaigns/{slug}/validation/{number}/grades', { params: { path: { slug, number } }, body })),
  validationReport: (slug: string, number: number) => result(client.GET('/api/v1/campaigns/{slug}/validation/{number}', { params: { path: { slug, number } } })),
  releases: (slug: string) => result(client.GET('/api/v1/campaigns/{slug}/releases', inCampaign(slug))),
  cells: (slug: string) => result(client.GET('/api/v1/campaigns/{slug}/cells', inCampaign(slug))),
  makeRelease: (slug: string, body: ReleaseWanted) => result(client.POST('/api/v1/campaigns/{slug}/releases', { ...inCampaign(slug), body })),
}

/** One image tile of a scene; null where the scene has no picture. */
export async function fetchImage(url: string, signal: AbortSignal): Promise<Blob | null> {
  const response = await reachSignedIn(new Request(url, { signal }))
  if (!response.ok) throw errorOf(response, null)
  return response.status === 204 ? null : response.blob()
}

/** One vector tile of a damage map; null where there is nothing. */
export async function fetchMapTile(url: string): Promise<ArrayBuffer | null> {
  const response = await reachSignedIn(new Request(new URL(url, location.origin)))
  if (!response.ok) throw errorOf(response, null)
  return response.status === 204 ? null : response.arrayBuffer()
}

/** Address of a download, of the tiles that pass a filter. */
export function exportUrl(slug: string, file: string, filter: Record<string, string> = {}): string {
  const query = new URLSearchParams(filter).toString()
  return `/api/v1/campaigns/${encodeURIComponent(slug)}/exports/${file}${query ? `?${query}` : ''}`
}

/** Address of one image tile of a scene, with the places OpenLayers fills in. */
export function tileUrl(scene: string): string {
  return `/tiles/${encodeURIComponent(scene)}/{z}/{x}/{y}`
}

/** Address of a file of a validation sample. */
export function validationUrl(slug: string, number: number, file: string): string {
  return `/api/v1/campaigns/${encodeURIComponent(slug)}/validation/${number}/${file}`
}
