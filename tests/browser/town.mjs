// A campaign of many small tiles on the demo's pictures, whose right answers are known: for tests of what a large crowd does.
import { execFileSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const CLASSES = ['no_visible_damage', 'damaged', 'destroyed']
/** Half of the tiles are undamaged, a fifth destroyed; which ones is no pattern that anybody could guess. */
const truthOf = (place) => ((place * 2_654_435_761) % 2 ** 32) / 2 ** 32
const classOf = (place) => CLASSES[truthOf(place) < 0.5 ? 0 : truthOf(place) < 0.8 ? 1 : 2]

/** The squares of a grid over a box in degrees, as outlines of buildings with an id each. */
function outlines([west, south, east, north], columns, rows) {
  const [wide, high] = [(east - west) / columns, (north - south) / rows]
  const square = (_, place) => {
    const [x, y] = [west + (place % columns) * wide, south + Math.floor(place / columns) * high]
    const [far, top] = [x + wide * 0.8, y + high * 0.8]
    const id = `t${String(place).padStart(4, '0')}`
    return { type: 'Feature', id, properties: { id }, geometry: { type: 'Polygon', coordinates: [[[x, y], [far, y], [far, top], [x, top], [x, y]]] } }
  }
  return Array.from({ length: columns * rows }, square)
}

/**
 * Makes and opens a campaign of `columns` × `rows` tiles inside `bounds`. One tile in `goldEvery` is check gold. Returns the truth by
 * tile id and the file of it for `aftermap simulate --truth`.
 */
export function plantTown(server, slug, { bounds, columns, rows, goldEvery, policy }) {
  const run = (...args) => execFileSync(server.binary, [...args, '--data', server.data], { stdio: ['ignore', 'ignore', 'inherit'] })
  const file = (name, text) => {
    writeFileSync(join(server.data, name), text)
    return join(server.data, name)
  }
  const tiles = outlines(bounds, columns, rows)
  const truth = new Map(tiles.map(({ id }, place) => [id, classOf(place)]))
  const gold = [...truth].filter((_, place) => place % goldEvery === 0)
  const footprints = file(`${slug}.geojson`, JSON.stringify({ type: 'FeatureCollection', features: tiles }))
  const pictures = readdirSync(join(server.data, 'demo')).filter((name) => name.endsWith('.tif')).sort()
  run('campaign', 'create', slug, '--title', 'A town and a ring', '--scale', 'conflict3', '--licence', 'CC0-1.0')
  for (const name of [pictures[0], pictures.at(-1)]) {
    const day = name.match(/\d{4}-\d\d-\d\d/)[0]
    run('ingest', '--campaign', slug, '--scene', join(server.data, 'demo', name), '--captured', day, '--footprints', footprints, '--align', 'off', '--licence', 'CC0-1.0', '--attribution', 'Synthetic')
  }
  run('gold', 'import', '--campaign', slug, file(`${slug}-gold.csv`, `tile_id,answer\n${gold.map((one) => one.join(',')).join('\n')}\n`))
  server.setPolicy(slug, policy)
  run('campaign', 'open', slug)
  for (const [id] of gold) truth.delete(id)
  return { truth, file: file(`${slug}-truth.csv`, `tile_id,label\n${[...truth, ...gold].map((one) => one.join(',')).join('\n')}\n`) }
}

/** Makes and opens a timeline of the demo's pictures at these places, with cells in a box alone. Returns the files that were left out. */
export function plantTimeline(server, slug, { box: [west, south, east, north], zoom, places }) {
  const folder = join(server.data, 'demo')
  const pictures = readdirSync(folder).filter((name) => name.endsWith('.tif')).sort()
  const text = (value) => JSON.stringify(value)
  const area = join(server.data, `${slug}-area.geojson`)
  writeFileSync(area, text({ type: 'Polygon', coordinates: [[[west, south], [east, south], [east, north], [west, north], [west, south]]] }))
  const scene = (name) => `[[scenes]]\nfile = ${text(join(folder, name))}\ncaptured = "${name.match(/\d{4}-\d\d-\d\d/)[0]}"\nlicence = "CC0-1.0"\nattribution = "Synthetic"\n`
  const head = `slug = ${text(slug)}\nlicence = "CC0-1.0"\narea = ${text(area)}\n`
  const file = join(server.data, `${slug}.toml`)
  writeFileSync(file, `${head}${places.map((at) => scene(pictures.at(at))).join('')}[tiles]\nzoom = ${zoom}\n[texts.en]\ntitle = "A town, again and again"\n`)
  const run = (...args) => execFileSync(server.binary, ['campaign', ...args, '--data', server.data], { stdio: ['ignore', 'ignore', 'inherit'] })
  run('apply', '--create', file)
  run('open', slug)
  return pictures.filter((name) => !places.some((at) => pictures.at(at) === name)).map((name) => join(folder, name))
}
