// How a picture is to be shown, as it was typed: read into what the server takes, or what is wrong with which field.
import type { Key } from '../../i18n'

/** What was typed; empty: as the file itself says. */
export interface LookForm {
  bands: string
  black: string
  white: string
  nodata: string
  crs: string
}
export type LookField = keyof LookForm
export interface Look {
  bands?: number[]
  stretch?: [number, number]
  nodata?: number
  crs?: string
}
export type Faults = Partial<Record<LookField, Key>>
/** How a scene is shown now, as the server says. */
export interface Shown {
  bands: number[]
  stretch: number[][]
}
export const NO_LOOK: LookForm = { bands: '', black: '', white: '', nodata: '', crs: '' }
export const LOOK_FIELDS = Object.keys(NO_LOOK) as LookField[]

/** A number with a point or a comma; null where there is none, NaN where it is no number. */
function numberIn(text: string): number | null {
  const plain = text.trim().replace(',', '.').replace('−', '-')
  return plain === '' ? null : /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : Number.NaN
}

/** One band or three, counted from 1. */
function bandsIn(text: string): number[] | null {
  const words = text.split(/[\s,;]+/).filter(Boolean)
  const fit = [1, 3].includes(words.length) && words.every((word) => /^[1-9]\d{0,3}$/.test(word))
  return fit ? words.map(Number) : null
}

/** What the server is to be told; and for each field that cannot be read, why. */
export function readLook(form: LookForm): { look: Look; faults: Faults } {
  const [look, faults]: [Look, Faults] = [{}, {}]
  if (form.bands.trim()) {
    const bands = bandsIn(form.bands)
    if (bands) look.bands = bands
    else faults.bands = 'look.bands_wrong'
  }
  const [black, white, nodata] = [numberIn(form.black), numberIn(form.white), numberIn(form.nodata)]
  if (Number.isNaN(black)) faults.black = 'look.number_wrong'
  if (Number.isNaN(white)) faults.white = 'look.number_wrong'
  if (!faults.black && !faults.white) {
    if ((black === null) !== (white === null)) faults[black === null ? 'black' : 'white'] = 'look.stretch_half'
    else if (black !== null && white !== null && black >= white) faults.white = 'look.stretch_order'
    else if (black !== null && white !== null) look.stretch = [black, white]
  }
  if (Number.isNaN(nodata)) faults.nodata = 'look.number_wrong'
  else if (nodata !== null) look.nodata = nodata
  const crs = form.crs.trim()
  if (/^(epsg:)?\s*\d{4,5}$/i.test(crs)) look.crs = `EPSG:${crs.replace(/\D/g, '')}`
  else if (crs) faults.crs = 'look.crs_wrong'
  return { look, faults }
}

/** A form that says what a picture looks like now, to be changed. */
export function formOfShown(shown: Shown | null): LookForm {
  const [first] = shown?.stretch ?? []
  const same = first !== undefined && shown?.stretch.every(([low, high]) => low === first[0] && high === first[1])
  return { ...NO_LOOK, bands: shown?.bands.join(', ') ?? '', black: same ? String(first[0]) : '', white: same ? String(first[1]) : '' }
}
