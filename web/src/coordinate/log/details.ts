// What stands beside an act in the log, in the reader's language: names and values by their keys, the server's own words where a key is new.
import { when } from '../../format'
import { said, t, tOf } from '../../i18n'

export interface Line {
  name: string
  value: string
}
type Area = { name: string; level: number; tiles: number }

/** The details of an act, one for each name; what is empty is left out. */
export function detailsOf(detail: Record<string, unknown>): Line[] {
  const there = Object.entries(detail).filter(([, value]) => value !== null && value !== '')
  return there.map(([key, value]) => ({ name: said('log_detail', key) ?? key, value: valueOf(key, value) }))
}

function valueOf(key: string, value: unknown): string {
  if (value === null || value === undefined) return '–'
  if (typeof value === 'boolean') return t(value ? 'log.yes' : 'log.no')
  if (Array.isArray(value)) return value.map((one) => (key === 'areas' ? areaOf(one as Area) : valueOf(key, one))).join(', ')
  if (typeof value === 'object') return Object.entries(value as object).map(([name, one]) => `${settingOf(key, name)}: ${valueOf(name, one)}`).join(' · ')
  const text = String(value)
  if (key === 'role' || key === 'before') return tOf('role', text)
  if (key === 'level') return tOf('volunteers', text)
  if (key === 'from' || key === 'until') return when(text)
  return key === 'to' && text === 'everybody' ? t('log.everybody') : text
}

const areaOf = ({ name, level, tiles }: Area) => t('log.area', { name, level: String(level), tiles })

/** Settings of a policy are called as in the setup; of texts the name is a language. */
const settingOf = (key: string, name: string) => (key === 'settings' ? (said('setup', name) ?? name) : name)
