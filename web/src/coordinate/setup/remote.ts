// Tiles of another server, as they are asked for in a form: what the server takes, or what is wrong with which field.
import type { Key } from '../../i18n'
import type { SceneDetails } from './calls'
import { datesOf, type Form } from './incoming.svelte'

/** A host from which the operator lets tiles be fetched. */
export interface TileHost {
  host: string
  attribution: string | null
  has_key: boolean
  http: boolean
  most_tiles: number
}
export interface RemoteForm {
  template: string
  /** West, south, east, north; empty: the campaign's own. */
  area: string
  zoom: string
}
export interface RemoteTiles {
  template: string
  area?: number[]
  zoom?: number
}
export type RemoteFaults = Partial<Record<keyof RemoteForm | 'attribution', Key>>
const DEEPEST = 22

/** The host of an address, with its port; null where it is no address. */
export function hostOf(template: string): string | null {
  return /^https?:\/\/([^/\s{}@]+)\//i.exec(template.trim())?.[1]?.toLowerCase() ?? null
}

function templateFault(template: string, hosts: TileHost[]): Key | null {
  const host = hostOf(template)
  if (!host) return 'remote.template_wrong'
  const allowed = hosts.find((one) => one.host === host)
  if (!allowed) return 'remote.host_unknown'
  if (!allowed.http && /^http:/i.test(template.trim())) return 'remote.https'
  const once = (place: RegExp) => template.match(place)?.length === 1
  return once(/\{z\}/g) && once(/\{x\}/g) && once(/\{-?y\}/g) ? null : 'remote.template_wrong'
}

function areaIn(text: string): number[] | null {
  const numbers = text.split(/[\s,;]+/).filter(Boolean).map(Number)
  const [west, south, east, north] = numbers as [number, number, number, number]
  return numbers.length === 4 && numbers.every(Number.isFinite) && west < east && south < north && west >= -180 && north <= 85.06 && south >= -85.06 ? numbers : null
}

/** Tiles of an area from zoom 0 to the deepest, about: mostly those of the deepest. */
export function tileCount([west = 0, south = 0, east = 0, north = 0]: number[], zoom: number): number {
  const row = (lat: number) => (1 - Math.asinh(Math.tan((lat * Math.PI) / 180)) / Math.PI) / 2
  let all = 0
  for (let z = 0; z <= zoom; z += 1) {
    const cells = 2 ** z
    const columns = Math.floor(((east + 180) / 360) * cells) - Math.floor(((west + 180) / 360) * cells) + 1
    all += columns * (Math.floor(row(south) * cells) - Math.floor(row(north) * cells) + 1)
  }
  return all
}

/** `first`: there is no picture yet from whose place and zoom the rest would follow. */
export function readRemote(form: RemoteForm, attribution: string, hosts: TileHost[], first: boolean): { remote: RemoteTiles; faults: RemoteFaults } {
  const faults: RemoteFaults = {}
  const remote: RemoteTiles = { template: form.template.trim() }
  const template = templateFault(form.template, hosts)
  if (template) faults.template = template
  const area = areaIn(form.area)
  if (area) remote.area = area
  else if (form.area.trim()) faults.area = 'remote.area_wrong'
  else if (first) faults.area = 'remote.area_missing'
  const zoom = form.zoom.trim() === '' ? null : Number(form.zoom)
  if (zoom === null ? first : !Number.isInteger(zoom) || zoom < 1 || zoom > DEEPEST) faults.zoom = 'remote.zoom_wrong'
  else if (zoom !== null) remote.zoom = zoom
  const allowed = hosts.find(({ host }) => host === hostOf(form.template))
  if (allowed && area && zoom && !faults.zoom && tileCount(area, zoom) > allowed.most_tiles) faults.zoom = 'remote.too_many'
  if (allowed && !allowed.attribution && !attribution.trim()) faults.attribution = 'remote.attribution_missing'
  return { remote, faults }
}

/** The job that fetches them; null while a date is missing. */
export function remoteJob(remote: RemoteTiles, form: Form): ({ kind: 'ingest'; remote: RemoteTiles } & Partial<SceneDetails> & Record<string, unknown>) | null {
  const dates = datesOf(form)
  if ('lacks' in dates) return null
  const { title, sensor, licence, attribution } = form
  return { kind: 'ingest', remote, ...dates, ...Object.fromEntries(Object.entries({ title, sensor, licence, attribution }).filter(([, words]) => words.trim())) }
}
