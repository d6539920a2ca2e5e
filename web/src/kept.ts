// Small choices that this device remembers; where storage is forbidden they last until the page is closed.

const held = new Map<string, string>()

export const kept = {
  get(key: string): string | null {
    try {
      return localStorage.getItem(key) ?? held.get(key) ?? null
    } catch {
      return held.get(key) ?? null
    }
  },
}

export function keep(key: string, value: string): void {
  held.set(key, value)
  try {
    localStorage.setItem(key, value)
  } catch {
    // Held in memory then.
  }
}
