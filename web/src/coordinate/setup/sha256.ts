// SHA-256 of a file of any size, piece by piece: browsers only offer it for what fits into memory, and not at all over plain http.

const WORDS = new Uint32Array(64)
const K = new Uint32Array(64)
const START = new Uint32Array(8)
fillConstants()

/** The constants are the first bits of the fractions of the roots of the first primes (FIPS 180-4, 4.2.2 and 5.3.3). */
function fillConstants(): void {
  const fraction = (root: number) => Math.floor((root - Math.floor(root)) * 2 ** 32)
  for (let number = 2, found = 0; found < 64; number += 1) {
    if (!isPrime(number)) continue
    K[found] = fraction(Math.cbrt(number))
    if (found < 8) START[found] = fraction(Math.sqrt(number))
    found += 1
  }
}

function isPrime(number: number): boolean {
  for (let divisor = 2; divisor * divisor <= number; divisor += 1) if (number % divisor === 0) return false
  return true
}

const BLOCK = 64

export class Sha256 {
  #state = START.slice()
  #rest = new Uint8Array(BLOCK)
  #held = 0
  #bytes = 0

  update(bytes: Uint8Array): this {
    this.#bytes += bytes.length
    let from = 0
    if (this.#held > 0) {
      from = Math.min(BLOCK - this.#held, bytes.length)
      this.#rest.set(bytes.subarray(0, from), this.#held)
      this.#held += from
      if (this.#held < BLOCK) return this
      this.#mix(this.#rest, 0)
      this.#held = 0
    }
    for (; from + BLOCK <= bytes.length; from += BLOCK) this.#mix(bytes, from)
    this.#rest.set(bytes.subarray(from), 0)
    this.#held = bytes.length - from
    return this
  }

  /** The sum in hexadecimal; nothing may be added after it. */
  digest(): string {
    const end = new Uint8Array(this.#held < 56 ? BLOCK : 2 * BLOCK)
    end.set(this.#rest.subarray(0, this.#held))
    end[this.#held] = 0x80
    const view = new DataView(end.buffer)
    // The length in bits is a 64-bit number.
    view.setUint32(end.length - 8, Math.floor(this.#bytes / 2 ** 29))
    view.setUint32(end.length - 4, (this.#bytes % 2 ** 29) * 8)
    for (let from = 0; from < end.length; from += BLOCK) this.#mix(end, from)
    return [...this.#state].map((word) => word.toString(16).padStart(8, '0')).join('')
  }

  #mix(bytes: Uint8Array, from: number): void {
    const w = WORDS
    for (let i = 0, at = from; i < 16; i += 1, at += 4) w[i] = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
    for (let i = 16; i < 64; i += 1) {
      const [x, y] = [w[i - 15]!, w[i - 2]!]
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3)
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10)
      w[i] = (w[i - 16]! + s0 + w[i - 7]! + s1) | 0
    }
    const h = this.#state
    let [a, b, c, d, e, f, g, last] = [h[0]!, h[1]!, h[2]!, h[3]!, h[4]!, h[5]!, h[6]!, h[7]!]
    for (let i = 0; i < 64; i += 1) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))
      const first = (last + s1 + ((e & f) ^ (~e & g)) + K[i]! + w[i]!) | 0
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))
      const second = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
      last = g
      g = f
      f = e
      e = (d + first) | 0
      d = c
      c = b
      b = a
      a = (first + second) | 0
    }
    h[0]! += a
    h[1]! += b
    h[2]! += c
    h[3]! += d
    h[4]! += e
    h[5]! += f
    h[6]! += g
    h[7]! += last
  }
}

const PIECE = 4 * 2 ** 20

/** The sum of a file; `told` hears the share that was read. Stops with the signal's reason. */
export async function sumOf(file: Blob, told: (share: number) => void = () => undefined, signal?: AbortSignal): Promise<string> {
  const sum = new Sha256()
  for (let from = 0; from < file.size; from += PIECE) {
    signal?.throwIfAborted()
    sum.update(new Uint8Array(await file.slice(from, from + PIECE).arrayBuffer()))
    told(Math.min(1, (from + PIECE) / file.size))
  }
  return sum.digest()
}
