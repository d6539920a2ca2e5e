// Small GeoTIFFs for the tests: three bands of 16 bits in UTM zone 37 north, one metre a pixel, with or without the name of the system.
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
