// Settings by dotted paths: `texts.en.title` is the title in English.

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** What stands at a path; undefined where nothing does. */
export function at(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, key) => (typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>)[key] : undefined), value)
}

/** A copy with another value at a path; what lies on the way is made. */
export function withAt<T>(value: T, path: string, put: Json): T {
  const [key = '', ...rest] = path.split('.')
  const inner = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  return { ...inner, [key]: rest.length === 0 ? put : withAt(inner[key], rest.join('.'), put) } as T
}

/** One nested object of many paths. */
export function nested(changes: ReadonlyMap<string, Json>): Record<string, Json> {
  return [...changes].reduce<Record<string, Json>>((all, [path, value]) => withAt(all, path, value), {})
}

export const same = (one: unknown, other: unknown): boolean => JSON.stringify(one ?? null) === JSON.stringify(other ?? null)
