import { describe, expect, it } from 'vitest'
import { kindOf, notPicture, placeOf } from './head'

const bytes = (...values: number[]) => Uint8Array.from([...values, ...Array<number>(20).fill(1)])
const words = (text: string) => new TextEncoder().encode(text)

describe('the first bytes of a file', () => {
  it('tell pictures from everything else', () => {
    expect(kindOf(bytes(0x49, 0x49, 42, 0))).toBe('tiff')
    expect(kindOf(bytes(0x4d, 0x4d, 0, 42))).toBe('tiff')
    expect(kindOf(bytes(0x49, 0x49, 43, 0))).toBe('bigtiff')
    expect(kindOf(bytes(0xff, 0xd8, 0xff))).toBe('jpeg')
    expect(kindOf(bytes(0x89, 0x50, 0x4e, 0x47))).toBe('png')
    expect(kindOf(bytes(0, 0, 0, 12, 0x6a, 0x50, 0x20, 0x20))).toBe('jp2')
    expect(kindOf(bytes(0x50, 0x4b, 3, 4))).toBe('zip')
    expect(kindOf(words('RIFF1234WEBPVP8 '))).toBe('webp')
    expect(kindOf(words('  <!DOCTYPE html><html>'))).toBe('web')
    expect(kindOf(words('this is no picture'))).toBe('text')
    expect(kindOf(bytes(7, 7, 0))).toBe('unknown')
    expect(kindOf(new Uint8Array())).toBe('empty')
  })

  it('are all that is read of a file', async () => {
    const large = new Blob([words('II*\0'), new Uint8Array(1e6)])
    let read = 0
    const watched = { slice: (from: number, to: number) => ((read = to), large.slice(from, to)) } as Blob
    expect(await notPicture(watched)).toBeNull()
    expect(read).toBeLessThan(1000)
    expect(await notPicture(new Blob([words('PK\x03\x04')]))).toBe('zip')
    expect(await notPicture(new Blob([]))).toBe('empty')
    expect(await notPicture(new Blob([words('PMTiles\x03')]))).toBeNull()
  })
})

/** A TIFF of one picture with these tags; the keys, where there are any, stand at its end. */
function tiff(tags: number[], keys: number[] = [], little = true): Blob {
  const bytes = new DataView(new ArrayBuffer(8 + 2 + tags.length * 12 + 4 + keys.length * 2))
  bytes.setUint16(0, little ? 0x4949 : 0x4d4d)
  bytes.setUint16(2, 42, little)
  bytes.setUint32(4, 8, little)
  bytes.setUint16(8, tags.length, little)
  tags.forEach((tag, place) => {
    const at = 10 + place * 12
    bytes.setUint16(at, tag, little)
    bytes.setUint16(at + 2, 3, little)
    bytes.setUint32(at + 4, tag === 34735 ? keys.length : 1, little)
    bytes.setUint32(at + 8, tag === 34735 ? 14 + tags.length * 12 : 0, little)
  })
  keys.forEach((key, place) => bytes.setUint16(14 + tags.length * 12 + place * 2, key, little))
  return new Blob([bytes.buffer])
}

describe('where a TIFF lies', () => {
  const named = [1, 1, 0, 2, 1024, 0, 1, 1, 3072, 0, 1, 32637]
  const unnamed = [1, 1, 0, 1, 1025, 0, 1, 1]

  it.each([true, false])('is read from its tags and keys (little end first: %s)', async (little) => {
    expect(await placeOf(tiff([256, 33550, 33922, 34735], named, little))).toBe('placed')
    expect(await placeOf(tiff([256, 33550, 33922, 34735], unnamed, little))).toBe('unnamed')
    expect(await placeOf(tiff([256, 33550, 33922], [], little))).toBe('unnamed')
    expect(await placeOf(tiff([256, 257], [], little))).toBe('nowhere')
  })

  it('is left to the server where it is harder to say', async () => {
    expect(await placeOf(tiff([256, 33922], []))).toBeNull()
    expect(await placeOf(tiff([256, 50844], []))).toBeNull()
    expect(await placeOf(new Blob([words('II*\0\xff\xff\xff\xff')]))).toBeNull()
    expect(await placeOf(new Blob([words('not a picture')]))).toBeNull()
    expect(await placeOf(tiff([256, 257]).slice(0, 20))).toBeNull()
  })
})
