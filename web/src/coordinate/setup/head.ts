// What a file is, by its first bytes: a wrong picture is refused before gigabytes travel.

/** Enough for every mark below. */
const HEAD = 64
export type Kind = 'tiff' | 'bigtiff' | 'jpeg' | 'png' | 'jp2' | 'webp' | 'zip' | 'gzip' | 'rar' | '7z' | 'pdf' | 'hdf' | 'netcdf' | 'pmtiles' | 'sqlite' | 'web' | 'text' | 'empty' | 'unknown'

const MARKS: [Kind, string | number[], number][] = [
  ['tiff', [0x49, 0x49, 42, 0], 0],
  ['tiff', [0x4d, 0x4d, 0, 42], 0],
  ['bigtiff', [0x49, 0x49, 43, 0], 0],
  ['bigtiff', [0x4d, 0x4d, 0, 43], 0],
  ['jpeg', [0xff, 0xd8, 0xff], 0],
  ['png', [0x89, 0x50, 0x4e, 0x47], 0],
  ['jp2', 'jP  ', 4],
  ['jp2', [0xff, 0x4f, 0xff, 0x51], 0],
  ['webp', 'WEBP', 8],
  ['zip', [0x50, 0x4b, 3, 4], 0],
  ['gzip', [0x1f, 0x8b], 0],
  ['rar', 'Rar!', 0],
  ['7z', [0x37, 0x7a, 0xbc, 0xaf], 0],
  ['pdf', '%PDF', 0],
  ['hdf', [0x89, 0x48, 0x44, 0x46], 0],
  ['netcdf', 'CDF', 0],
  ['pmtiles', 'PMTiles', 0],
  ['sqlite', 'SQLite format 3', 0],
]

/** What begins like this. */
export function kindOf(head: Uint8Array): Kind {
  if (head.length === 0) return 'empty'
  const marked = (mark: string | number[], at: number) => [...mark].every((sign, place) => head[at + place] === (typeof sign === 'string' ? sign.charCodeAt(0) : sign))
  const found = MARKS.find(([, mark, at]) => marked(mark, at))
  if (found) return found[0]
  const plain = head.every((byte) => byte >= 32 || [9, 10, 13].includes(byte))
  if (!plain) return 'unknown'
  const words = new TextDecoder().decode(head).replace('\uFEFF', '').trimStart().toLowerCase()
  return words.startsWith('<!doctype html') || words.startsWith('<html') ? 'web' : 'text'
}

/** Which words fit a kind, and what it is called. */
const GROUPS: Partial<Record<Kind | 'nowhere', string>> = { jpeg: 'plain', png: 'plain', webp: 'plain', jp2: 'jp2', zip: 'packed', gzip: 'packed', rar: 'packed', '7z': 'packed', hdf: 'science', netcdf: 'science', web: 'web', text: 'text', empty: 'empty', nowhere: 'plain' }
const NAMES: Partial<Record<Kind | 'nowhere', string>> = { jpeg: 'JPEG', png: 'PNG', webp: 'WebP', zip: 'ZIP', gzip: 'gzip', nowhere: 'TIFF', rar: 'RAR', '7z': '7-Zip', hdf: 'HDF5', netcdf: 'NetCDF' }
export const groupOf = (kind: Kind | 'nowhere'): string => GROUPS[kind] ?? 'other'
export const nameOf = (kind: Kind | 'nowhere'): string => NAMES[kind] ?? ''

/** What a scene may be made of: GeoTIFFs, and ready tiles in one file. */
const PICTURES: Kind[] = ['tiff', 'bigtiff', 'pmtiles', 'sqlite']

/** What a file is instead of a picture that can be brought in; `null` where it may be one. */
export async function notPicture(file: Blob): Promise<Kind | null> {
  const kind = kindOf(new Uint8Array(await file.slice(0, HEAD).arrayBuffer()))
  return PICTURES.includes(kind) ? null : kind
}

/** Where a TIFF lies: its place and its system are there, the system is not named, or it lies nowhere. */
export type Place = 'placed' | 'unnamed' | 'nowhere'
const [SCALE, POINTS, TRANSFORM, KEYS, POLYNOMIALS] = [33550, 33922, 34264, 34735, 50844]
/** Most pictures of one file, tags of one picture and bytes of its keys that are looked at. */
const [PICTURES_MOST, TAGS_MOST, KEYS_MOST] = [16, 512, 8192]
/** Keys that name a system of degrees or of metres. */
const SYSTEMS = [2048, 3072]

/** Reads whole numbers of a TIFF wherever they stand in the file, a few bytes at a time. */
class Tiff {
  constructor(readonly file: Blob, readonly little: boolean, readonly big: boolean) {}
  static async open(file: Blob): Promise<Tiff | null> {
    const head = new Uint8Array(await file.slice(0, 4).arrayBuffer())
    const kind = kindOf(head)
    return kind === 'tiff' || kind === 'bigtiff' ? new Tiff(file, head[0] === 0x49, kind === 'bigtiff') : null
  }
  async bytes(at: number, length: number): Promise<DataView> {
    return new DataView(await this.file.slice(at, at + length).arrayBuffer())
  }
  short = (view: DataView, at: number) => view.getUint16(at, this.little)
  pointer = (view: DataView, at: number) => (this.big ? Number(view.getBigUint64(at, this.little)) : view.getUint32(at, this.little))
}

/** The tags of one picture with where their entries stand, and where the next picture is; 0 after the last. */
async function picture(tiff: Tiff, at: number): Promise<{ tags: Map<number, DataView>; next: number }> {
  const [countBytes, entry, pointer] = tiff.big ? [8, 20, 8] : [2, 12, 4]
  const head = await tiff.bytes(at, countBytes)
  const count = Math.min(TAGS_MOST, tiff.big ? tiff.pointer(head, 0) : tiff.short(head, 0))
  const body = await tiff.bytes(at + countBytes, count * entry + pointer)
  const tags = new Map(Array.from({ length: count }, (_, place) => [tiff.short(body, place * entry), new DataView(body.buffer, place * entry, entry)]))
  return { tags, next: tiff.pointer(body, count * entry) }
}

/** Whether the keys name a system. Each key takes four numbers of two bytes, the first four say how many there are. */
async function named(tiff: Tiff, tag: DataView): Promise<boolean> {
  const length = Math.min(KEYS_MOST, tiff.pointer(tag, 4) * 2)
  const keys = await tiff.bytes(tiff.pointer(tag, tiff.big ? 12 : 8), length)
  for (let at = 8; at + 8 <= keys.byteLength; at += 8) if (SYSTEMS.includes(tiff.short(keys, at))) return true
  return false
}

/** Where a file lies; `null` where it is no TIFF or cannot be read so far: then the server says. */
export async function placeOf(file: Blob): Promise<Place | null> {
  try {
    const tiff = await Tiff.open(file)
    if (!tiff) return null
    let next = tiff.pointer(await tiff.bytes(tiff.big ? 8 : 4, 8), 0)
    for (let turn = 0; turn < PICTURES_MOST && next > 0; turn += 1) {
      const read = await picture(tiff, next)
      const { tags } = read
      const keys = tags.get(KEYS)
      if (keys && (await named(tiff, keys))) return 'placed'
      if (tags.has(TRANSFORM) || (tags.has(POINTS) && tags.has(SCALE))) return 'unnamed'
      if (keys || tags.has(POINTS) || tags.has(POLYNOMIALS)) return null
      next = read.next
    }
    return next > 0 ? null : 'nowhere'
  } catch {
    return null
  }
}
