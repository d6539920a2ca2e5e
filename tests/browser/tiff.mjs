// Small pictures for the tests. GeoTIFFs: three bands of 16 bits in UTM zone 37 north, one metre a pixel, with or without the name of the system; and a server of ready tiles.
import { createServer } from 'node:http'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32, deflateSync } from 'node:zlib'

const SIDE = 512
const [WEST, NORTH] = [437_000, 3_978_000]
const SHORT = 3, LONG = 4, DOUBLE = 12
const SIZES = { [SHORT]: 2, [LONG]: 4, [DOUBLE]: 8 }

/** The bytes of a picture; `shade` gives the three numbers of a pixel. */
export function geotiff({ epsg = 32637, shade = (col, row) => [500 + ((col * 7 + row * 3) % 200), 3000 + ((col ^ row) % 300), 1000 + (row % 90)] } = {}) {
  const pixels = Buffer.alloc(SIDE * SIDE * 6)
  for (let row = 0; row < SIDE; row += 1) for (let col = 0; col < SIDE; col += 1) shade(col, row).forEach((value, band) => pixels.writeUInt16LE(value, ((row * SIDE + col) * 3 + band) * 2))
  const keys = epsg ? [1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, epsg] : []
  const tags = [
    [256, LONG, [SIDE]], [257, LONG, [SIDE]], [258, SHORT, [16, 16, 16]], [259, SHORT, [1]], [262, SHORT, [2]], [273, LONG, [8]], [277, SHORT, [3]],
    [278, LONG, [SIDE]], [279, LONG, [pixels.length]], [339, SHORT, [1, 1, 1]], [33550, DOUBLE, [1, 1, 0]], [33922, DOUBLE, [0, 0, 0, WEST, NORTH, 0]],
    ...(keys.length > 0 ? [[34735, SHORT, keys]] : []),
  ]
  const directory = Buffer.alloc(2 + tags.length * 12 + 4)
  const start = 8 + pixels.length
  const beyond = []
  let end = start + directory.length
  directory.writeUInt16LE(tags.length, 0)
  tags.forEach(([tag, type, values], place) => {
    const at = 2 + place * 12
    const bytes = Buffer.alloc(Math.max(4, values.length * SIZES[type]))
    values.forEach((value, index) => (type === SHORT ? bytes.writeUInt16LE(value, index * 2) : type === LONG ? bytes.writeUInt32LE(value, index * 4) : bytes.writeDoubleLE(value, index * 8)))
    directory.writeUInt16LE(tag, at)
    directory.writeUInt16LE(type, at + 2)
    directory.writeUInt32LE(values.length, at + 4)
    if (bytes.length <= 4) bytes.copy(directory, at + 8)
    else {
      directory.writeUInt32LE(end, at + 8)
      beyond.push(bytes)
      end += bytes.length
    }
  })
  const head = Buffer.from([0x49, 0x49, 42, 0, 0, 0, 0, 0])
  head.writeUInt32LE(start, 4)
  return Buffer.concat([head, pixels, directory, ...beyond])
}

/** A part of a PNG with its length and checksum. */
function chunk(kind, content) {
  const named = Buffer.concat([Buffer.from(kind), content])
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(content.length)
  sum.writeUInt32BE(crc32(named))
  return Buffer.concat([length, named, sum])
}

/** A tile of 256 pixels in one colour. */
function tile(colour) {
  const head = Buffer.from([0, 0, 1, 0, 0, 0, 1, 0, 8, 2, 0, 0, 0])
  const row = Buffer.concat([Buffer.from([0]), Buffer.alloc(256 * 3, Buffer.from(colour))])
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]), chunk('IHDR', head), chunk('IDAT', deflateSync(Buffer.concat(Array(256).fill(row)))), chunk('IEND', Buffer.alloc(0))])
}

/** A server that has the same tile everywhere, and the operator's file that allows it. */
export class MapServer {
  static async start() {
    const maps = new MapServer()
    const picture = tile([96, 128, 64])
    maps.server = createServer((_, reply) => reply.writeHead(200, { 'content-type': 'image/png' }).end(picture)).listen(0, '127.0.0.1')
    await once(maps.server, 'listening')
    maps.host = `127.0.0.1:${maps.server.address().port}`
    maps.folder = mkdtempSync(join(tmpdir(), 'aftermap-maps-'))
    maps.file = join(maps.folder, 'hosts.toml')
    writeFileSync(maps.file, `[[host]]\nhost = "${maps.host}"\nhttp = true\nnetworks = ["127.0.0.0/8"]\nattribution = "© Drawn Maps"\ntiles_per_second = 500\n`)
    return maps
  }
  stop() {
    this.server.close()
    this.server.closeAllConnections()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
