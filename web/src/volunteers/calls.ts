// What the page of volunteers asks of the server, and the types of the answers.
import type { components } from '../api.gen'
import { client, inCampaign, result } from '../client'

type Schemas = components['schemas']
export type Figures = Schemas['VolunteerFigures']
export type Volunteers = Schemas['Volunteers']
export type Detail = Schemas['VolunteerInDetail']
export type Ring = Schemas['Ring']
export type Written = Schemas['WrittenAnnouncement']
export type Told = Schemas['Announcement']
export type Level = Schemas['Level']
export type Kind = Schemas['ExclusionKind']
export type SortBy = Schemas['SortBy']
export type Flag = Schemas['Flag']

export interface Wanted {
  sort: SortBy
  descending: boolean
  standing?: Kind
  flag?: Flag
  name?: string
  offset: number
  limit: number
}
const named = (slug: string, name: string) => ({ params: { path: { slug, name } } })

export const calls = {
  list: (slug: string, query: Wanted) => result(client.GET('/api/v1/campaigns/{slug}/volunteers', { params: { path: { slug }, query } })),
  one: (slug: string, name: string) => result(client.GET('/api/v1/campaigns/{slug}/volunteers/{name}', named(slug, name))),
  rings: (slug: string) => result(client.GET('/api/v1/campaigns/{slug}/rings', inCampaign(slug))),
  exclude: (slug: string, volunteers: string[], kind: Kind, reason: string) => result(client.POST('/api/v1/campaigns/{slug}/exclusions', { ...inCampaign(slug), body: { volunteers, kind, reason } })),
  lift: (slug: string, volunteers: string[], reason: string) => result(client.POST('/api/v1/campaigns/{slug}/exclusions/lift', { ...inCampaign(slug), body: { volunteers, reason } })),
  told: (slug: string, lang: string) => result(client.GET('/api/v1/campaigns/{slug}/announcements', { params: { path: { slug }, query: { lang } } })),
  written: (slug: string) => result(client.GET('/api/v1/campaigns/{slug}/announcements/all', inCampaign(slug))),
  announce: (slug: string, body: Schemas['NewAnnouncement']) => result(client.POST('/api/v1/campaigns/{slug}/announcements', { ...inCampaign(slug), body })),
  withdraw: (slug: string, id: string) => result(client.DELETE('/api/v1/campaigns/{slug}/announcements/{id}', { params: { path: { slug, id } } })),
  putAway: (slug: string, id: string) => result(client.POST('/api/v1/campaigns/{slug}/announcements/{id}/read', { params: { path: { slug, id } } })),
}
