// All talk with the server: typed calls over the generated OpenAPI types, one kind of error, and one refresh of a run-out session.
import createClient from 'openapi-fetch'
import type { paths } from './api.gen'
import { keepReply } from './device'
import { language } from './language.svelte'
import { visit } from './visit'
import type { CampaignTexts, Leaderboard, Misses, Practised, Renewed, Standing, Training } from './api-volunteer'
import type { Window } from './label/store'

type Reply<P extends keyof paths, M extends keyof paths[P], S extends number = 200> = paths[P][M] extends {
  responses: { [K in S]: { content: { 'application/json': infer T } } }
}
  ? T
  : never

export type Session = Reply<'/api/v1/session', 'get'>
export type CampaignSummary = Reply<'/api/v1/campaigns', 'get'>['campaigns'][number]
export type Campaign = Reply<'/api/v1/campaigns/{slug}', 'get'> & CampaignTexts
export type Answer = Campaign['scale']['answers'][number]
export type Scene = Campaign['scenes'][number]
export type Progress = Campaign['progress']
export type Lease = Reply<'/api/v1/campaigns/{slug}/leases', 'post'>['leases'][number]
export type Receipts = Reply<'/api/v1/labels', 'post'>
export type LabelItem = paths['/api/v1/labels']['post']['requestBody']['content']['application/json'][number]
export type Statistics = Reply<'/api/v1/campaigns/{slug}/statistics', 'get'>
export type NewAccount = Reply<'/api/v1/accounts', 'post', 201>

/** Why a call failed. `status` 0 and code `offline` mean that the server could not be reached at all. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly field: string | null = null,
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(detail || code)
    this.name = 'ApiError'
  }
  /** Whether the same call may succeed later without any change. */
  get passing(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500
  }
}

async function reach(request: Request): Promise<Response> {
  try {
    return await fetch(request)
  } catch {
    throw new ApiError(0, 'offline', '')
  }
}

let refreshing: Promise<boolean> | null = null

/**
 * Asks for new cookies; calls that come while one is under way share it, because each refresh replaces the last.
 * False when the session is over for good; throws when that cannot be known now.
 */
export function refreshSession(): Promise<boolean> {
  refreshing ??= renew().finally(() => (refreshing = null))
  return refreshing
}

async function renew(): Promise<boolean> {
  const response = await reach(new Request('/api/v1/session/refresh', { method: 'POST' }))
  if (response.ok) return true
  if (response.status !== 401) throw errorOf(response, await response.json().catch(() => null))
  visit.signedIn = false
  return false
}

async function reachSignedIn(request: Request): Promise<Response> {
  const again = request.clone()
  const response = await reach(request)
  if (response.status !== 401) return response
  const problem = await response.clone().json().catch(() => null)
  // The browser drops the cookie of a session that ran out, so it can look as if there had been none.
  const renewable = problem?.code === 'session_expired' || (problem?.code === 'unauthorized' && visit.signedIn)
  if (!renewable) return response
  return (await refreshSession()) ? reach(again) : response
}

const client = createClient<paths>({ baseUrl: globalThis.location?.origin ?? '', fetch: reachSignedIn })

function errorOf(response: Response, problem: unknown): ApiError {
  const { code, detail, title, field } = (problem ?? {}) as Record<string, string | undefined>
  const wait = Number.parseInt(response.headers.get('retry-after') ?? '', 10)
  const fallback = response.status >= 500 ? 'unavailable' : 'invalid'
  return new ApiError(response.status, code ?? fallback, detail ?? title ?? '', field ?? null, Number.isNaN(wait) ? null : wait)
}

async function result<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call
  if (!response.ok) throw errorOf(response, error)
  return data as T
}

/** A call by method and path, with the same errors and renewal as the typed ones. */
async function send<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await reachSignedIn(new Request(new URL(path, location.origin), { method, ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }) }))
  if (!response.ok) throw errorOf(response, await response.json().catch(() => null))
  return (response.status === 204 ? undefined : await response.json()) as T
}
const campaignPath = (slug: string, rest: string) => `/api/v1/campaigns/${encodeURIComponent(slug)}${rest}`
const inLanguage = () => `lang=${language.code}`

const inCampaign = (slug: string) => ({ params: { path: { slug } } })

export const api = {
  session: () => result(client.GET('/api/v1/session')),
  signIn: (name: string, password: string) => result(client.POST('/api/v1/session', { body: { name, password } })),
  signOut: () => result(client.DELETE('/api/v1/session')),
  guest: () => result(client.POST('/api/v1/guests')),
  register: (name: string, password: string): Promise<NewAccount> =>
    result(client.POST('/api/v1/accounts', { body: { name, password } })),
  recover: (name: string, recovery_code: string, password: string) =>
    result(client.POST('/api/v1/session/recovery', { body: { name, recovery_code, password } })),

  campaigns: () => keepReply('campaigns', () => send<{ campaigns: CampaignSummary[] }>('GET', `/api/v1/campaigns?${inLanguage()}`)),
  campaign: (slug: string) => keepReply(`campaign/${slug}`, () => send<Campaign>('GET', campaignPath(slug, `?${inLanguage()}`))),
  setState: (slug: string, state: 'open' | 'paused' | 'closed') =>
    result(client.POST('/api/v1/campaigns/{slug}/state', { ...inCampaign(slug), body: { state } })),
  statistics: (slug: string) => result(client.GET('/api/v1/campaigns/{slug}/statistics', inCampaign(slug))),

  leases: (slug: string, count: number) =>
    result(client.POST('/api/v1/campaigns/{slug}/leases', { ...inCampaign(slug), body: { count } })),
  submit: (items: LabelItem[]): Promise<Receipts> => result(client.POST('/api/v1/labels', { body: items })),
  skip: (id: string) => result(client.DELETE('/api/v1/leases/{id}', { params: { path: { id }, query: { skip: true } } })),
  renew: (lease_ids: string[]) => send<Renewed>('POST', '/api/v1/leases/renew', { lease_ids }),
  note: (slug: string, note: { id: string; lease_id: string; text: string; flagged: boolean }) => send<unknown>('POST', campaignPath(slug, '/notes'), note),

  training: (slug: string) => keepReply(`training/${slug}`, () => send<Training>('GET', campaignPath(slug, `/training?${inLanguage()}`))),
  practise: (slug: string, tile: string, answer: string, window?: Window) =>
    send<Practised>('POST', campaignPath(slug, `/practice?${inLanguage()}`), { tile, answer, ...(window && { window }) }),
  standing: (slug: string) => send<Standing>('GET', campaignPath(slug, `/me?${inLanguage()}`)),
  misses: (slug: string, after: string | null) => send<Misses>('GET', campaignPath(slug, `/me/misses?limit=12${after ? `&after=${encodeURIComponent(after)}` : ''}`)),
  leaderboard: (slug: string) => send<Leaderboard>('GET', campaignPath(slug, '/leaderboard')),
  deleteMe: (password?: string) => send<void>('DELETE', '/api/v1/me', password === undefined ? {} : { password }),

  /** The consensus of every tile, as the results map draws it. */
  async damageMap(slug: string): Promise<unknown> {
    const response = await reachSignedIn(new Request(exportUrl(slug, 'tiles.geojson')))
    if (!response.ok) throw errorOf(response, await response.json().catch(() => null))
    return response.json()
  },
}

/** One image tile of a scene; null where the scene has no picture. */
export async function fetchImage(url: string, signal: AbortSignal): Promise<Blob | null> {
  const response = await reachSignedIn(new Request(url, { signal }))
  if (!response.ok) throw errorOf(response, null)
  return response.status === 204 ? null : response.blob()
}

/** Address of a download; `minProbability` (0 to 1) leaves less certain tiles' classes out. */
export function exportUrl(slug: string, file: string, minProbability = 0): string {
  const query = minProbability > 0 ? `?min_probability=${minProbability}` : ''
  return `/api/v1/campaigns/${encodeURIComponent(slug)}/exports/${file}${query}`
}

/** Address of one image tile of a scene, with the places OpenLayers fills in. */
export function tileUrl(scene: string): string {
  return `/tiles/${encodeURIComponent(scene)}/{z}/{x}/{y}`
}
