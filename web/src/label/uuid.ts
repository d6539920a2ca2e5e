// Ids of labels: UUID version 7 (RFC 9562) from getRandomValues, which plain http pages have too (randomUUID they lack).

let last = 0

/** A new id; ids made on one page sort in the order in which they were made. */
export function uuidV7(now = Date.now(), random = crypto.getRandomValues(new Uint8Array(10))): string {
  last = Math.max(now, last + 1)
  const time = last.toString(16).padStart(12, '0')
  const bytes = Array.from(random)
  bytes[0] = 0x70 | ((bytes[0] ?? 0) & 0x0f)
  bytes[2] = 0x80 | ((bytes[2] ?? 0) & 0x3f)
  const rest = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')
  return `${time.slice(0, 8)}-${time.slice(8)}-${rest.slice(0, 4)}-${rest.slice(4, 8)}-${rest.slice(8)}`
}
