// What the setup of a campaign asks of the server.
import type { Campaign, Lease } from '../../api'
import type { components } from '../../api.gen'
import { errorOf, reachSignedIn } from '../../client'
import type { Area } from './places/area'
import type { Held } from './draft.svelte'
import type { Look } from './look'
import type { Json } from './paths'
import type { TileHost } from './remote'
import type { Upload } from './upload'

type Schemas = components['schemas']

export type Texts = Schemas['SettingsTexts']
export type Scale = Schemas['ScaleFile']
export type TileSource = Schemas['TileSource']
export type Tiling = Schemas['SettingsTiles']
export type PolicyKind = 'adaptive' | { fixed: { redundancy: number } }
export interface Policy {
  kind: PolicyKind
  practice_required: boolean
  leaderboard: boolean
  [setting: string]: unknown
}
export interface Settings {
  slug: string
  language: string
  visibility: 'public' | 'invitation' | 'private'
  release_level: 'public' | 'coarsened' | 'private'
  licence: string
  scale: Scale
  policy: Policy
  texts: Record<string, Texts>
  tiles: Tiling
  area: Area | null
}
export type Job = Schemas['Job']
export type SetupScene = Schemas['OwnScene']
export type Inbox = Schemas['Inbox']
export interface Estimate {
  tiles: number
  labels: number
  labels_per_tile: number
  hours: number
  seconds_per_label: number
  basis: { figure: string; origin: string; figures: Record<string, number>; text: string }[]
}
export interface CheckItem {
  key: string
  state: 'ok' | 'warning' | 'blocking'
  reason: string
  detail: string
  mend: string
  figures: Record<string, number>
  names: string[]
}
export interface Checklist {
  ready: boolean
  items: CheckItem[]
}
export interface PreviewTile {
  tile: Lease['tile']
  frames: Lease['frames']
}
export interface Preview {
  source: TileSource
  zoom: number | null
  places: number
  tiles: PreviewTile[]
}
export interface SceneDetails {
  title: string
  sensor: string
  licence: string
  attribution: string
}
export type Dates = { captured: string } | { captured_from: string; captured_to: string }
export type Source = { upload: string } | { file: string }
export type JobWanted =
  | ({ kind: 'ingest'; replaces?: string } & Source & Dates & Partial<SceneDetails> & Look)
  | ({ kind: 'footprints' } & Source)
  | ({ kind: 'gold'; gold: 'practice' | 'check' } & Source)

interface Extra {
  body?: unknown
  raw?: Blob
  headers?: Record<string, string>
  signal?: AbortSignal
}

async function ask<T>(method: string, path: string, extra: Extra = {}): Promise<T> {
  return (await reply<T>(method, path, extra)).said
}

/** What was answered, and the name of its version. */
async function reply<T>(method: string, path: string, { body, raw, headers = {}, signal }: Extra = {}): Promise<{ said: T; tag: string }> {
  const json: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' }
  const content = raw ?? (body === undefined ? null : JSON.stringify(body))
  const address = new URL(`/api/v1/campaigns${path}`, location.origin)
  const response = await reachSignedIn(new Request(address, { method, headers: { ...json, ...headers }, body: content, ...(signal && { signal }) }))
  const said: unknown = response.status === 204 ? null : await response.json().catch(() => null)
  if (!response.ok) throw errorOf(response, said)
  return { said: said as T, tag: response.headers.get('etag') ?? '' }
}

const at = (slug: string, rest: string) => `/${encodeURIComponent(slug)}/${rest}`
const one = (slug: string, rest: string, id: string) => at(slug, `${rest}/${encodeURIComponent(id)}`)

export interface NewCampaign {
  slug: string
  title: string
  language: string
  scale: string
}
export const createCampaign = (wanted: NewCampaign) => ask<Campaign>('POST', '', { body: wanted })

export function callsOf(slug: string) {
  // The server names every version of the settings; another tab's change makes it another one.
  const load = async (): Promise<Held<Settings>> => {
    const { said, tag } = await reply<Settings>('GET', at(slug, 'settings'))
    return { settings: said, revision: tag }
  }
  const put = async (changes: Record<string, Json>, headers: Record<string, string> = {}): Promise<{ job: Job | null; held: Held<Settings> }> => {
    const { said, tag } = await reply<{ job: Job | null; settings: Settings }>('PUT', at(slug, 'settings'), { body: changes, headers })
    return { job: said.job, held: { settings: said.settings, revision: tag } }
  }
  return {
    load,
    /** Only where the settings are still those that were changed here: else status 412, and nothing is written over. */
    save: async (changes: Record<string, Json>, revision: string): Promise<Held<Settings>> => (await put(changes, revision ? { 'if-match': revision } : {})).held,
    /** Where and how tiles are cut: a job where there are pictures already. */
    cut: (changes: { tiles?: Tiling; area?: Area | null }): Promise<{ job: Job | null; held: Held<Settings> }> => put(changes as unknown as Record<string, Json>),
    /** Deletes the draft with everything in it. */
    remove: () => ask<null>('DELETE', `/${encodeURIComponent(slug)}`),
    scenes: () => ask<{ scenes: SetupScene[] }>('GET', at(slug, 'scenes')).then(({ scenes }) => scenes),
    changeScene: (id: string, changes: Partial<SceneDetails> & Partial<Record<'captured' | 'captured_from' | 'captured_to', string>>) =>
      ask<{ scene: SetupScene; job: Job | null }>('PATCH', one(slug, 'scenes', id), { body: changes }),
    deleteScene: (id: string) => ask<Job>('DELETE', one(slug, 'scenes', id)),
    uploads: () => ask<{ uploads: Upload[] }>('GET', at(slug, 'uploads')).then(({ uploads }) => uploads),
    announce: (file_name: string, bytes: number, sha256: string) => ask<Upload>('POST', at(slug, 'uploads'), { body: { file_name, bytes, sha256 } }),
    look: (id: string, signal: AbortSignal) => ask<Upload>('GET', one(slug, 'uploads', id), { signal }),
    send: (id: string, offset: number, raw: Blob, signal: AbortSignal) =>
      ask<Upload>('PATCH', one(slug, 'uploads', id), { raw, signal, headers: { 'upload-offset': String(offset), 'content-type': 'application/offset+octet-stream' } }),
    forget: (id: string) => ask<null>('DELETE', one(slug, 'uploads', id)),
    inbox: () => ask<Inbox>('GET', at(slug, 'files')),
    /** Hosts from which ready tiles may be fetched. */
    tileHosts: () => ask<{ hosts: TileHost[] }>('GET', at(slug, 'tile-hosts')).then(({ hosts }) => hosts),
    jobs: () => ask<{ jobs: Job[] }>('GET', at(slug, 'jobs')).then(({ jobs }) => jobs),
    start: (wanted: JobWanted) => ask<Job>('POST', at(slug, 'jobs'), { body: wanted }),
    cancel: (id: string) => ask<Job>('POST', `${one(slug, 'jobs', id)}/cancel`),
    estimate: (query: Record<string, string>) => ask<Estimate>('GET', at(slug, `estimate?${new URLSearchParams(query)}`)),
    checklist: () => ask<Checklist>('GET', at(slug, 'checklist')),
    preview: (query: Record<string, string>, signal?: AbortSignal) => ask<Preview>('GET', at(slug, `preview?${new URLSearchParams(query)}`), signal ? { signal } : {}),
  }
}
export type Calls = ReturnType<typeof callsOf>
