// Calls of steering: what is under way, areas that come first, labels a tile, what is out of view, who takes part.
import type { components } from '../../api.gen'
import { client, inCampaign, result } from '../../client'

type Schemas = components['schemas']
export type Steering = Schemas['Steering']
export type Area = Schemas['Area']
export type NewArea = Schemas['NewArea']
export type PolicyEffect = Schemas['PolicyEffect']
export type Member = Schemas['Member']
export type Invitation = Schemas['Invitation']
export type Role = Schemas['Role']
export type NewInvitation = Schemas['NewInvitation']
export type State = 'open' | 'paused' | 'closed' | 'archived'

/** A campaign with the id of something in it, for addresses. */
const one = (slug: string, id: string) => ({ params: { path: { slug, id } } })

/** The description of the API knows such objects only as objects. */
const object = (value: Record<string, unknown>) => value as Record<string, never>

export const calls = {
  steering: (slug: string) => result(client.GET('/api/v1/campaigns/{slug}/steering', inCampaign(slug))),
  setState: (slug: string, state: State, reason: string) => result(client.POST('/api/v1/campaigns/{slug}/state', { ...inCampaign(slug), body: { state, reason } })),
  areas: (slug: string, areas: NewArea[]) => result(client.POST('/api/v1/campaigns/{slug}/steering/areas', { ...inCampaign(slug), body: { areas, preview: true } })),
  /** Refused where somebody else changed the areas of this version. */
  setAreas: (slug: string, areas: NewArea[], version: string) =>
    result(client.POST('/api/v1/campaigns/{slug}/steering/areas', { params: { path: { slug }, header: { 'If-Match': version } }, body: { areas, preview: false } })),
  previewPolicy: (slug: string, settings: Record<string, unknown>, closed_too: boolean) =>
    result(client.POST('/api/v1/campaigns/{slug}/steering/policy/preview', { ...inCampaign(slug), body: { settings: object(settings), closed_too } })),
  changePolicy: (slug: string, settings: Record<string, unknown>, closed_too: boolean, reason: string) =>
    result(client.POST('/api/v1/campaigns/{slug}/steering/policy', { ...inCampaign(slug), body: { settings: object(settings), closed_too, reason } })),
  extend: (slug: string, area: Record<string, unknown>, preview: boolean) => result(client.POST('/api/v1/campaigns/{slug}/steering/extension', { ...inCampaign(slug), body: { area: object(area), preview } })),
  withdraw: (slug: string, what: { scene_id?: string; tile_id?: string }, reason: string) =>
    result(client.POST('/api/v1/campaigns/{slug}/withdrawals', { ...inCampaign(slug), body: { ...what, reason } })),
  bringBack: (slug: string, id: string, reason: string) => result(client.POST('/api/v1/campaigns/{slug}/withdrawals/{id}/lift', { ...one(slug, id), body: { reason } })),
  members: (slug: string) => result(client.GET('/api/v1/campaigns/{slug}/members', inCampaign(slug))),
  changeMember: (slug: string, id: string, role: Role) => result(client.POST('/api/v1/campaigns/{slug}/members/{id}', { ...one(slug, id), body: { role } })),
  removeMember: (slug: string, id: string) => result(client.DELETE('/api/v1/campaigns/{slug}/members/{id}', one(slug, id))),
  invitations: (slug: string) => result(client.GET('/api/v1/campaigns/{slug}/invitations', inCampaign(slug))),
  invite: (slug: string, body: NewInvitation) => result(client.POST('/api/v1/campaigns/{slug}/invitations', { ...inCampaign(slug), body })),
  revoke: (slug: string, id: string) => result(client.DELETE('/api/v1/campaigns/{slug}/invitations/{id}', one(slug, id))),
}
