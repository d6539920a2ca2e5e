// One line about a damage map whose truth is known: labels counted, accuracy, recall of damage, contested tiles.
// Usage: node score-map.mjs tiles.csv truth.csv NAME SEED. Gold is left out: its answers were given.
import { readFileSync } from 'node:fs'

const [map, truth, name, seed] = process.argv.slice(2)

/** Rows of a CSV as objects; quoted cells may hold commas. */
function rows(file) {
  const [head, ...lines] = readFileSync(file, 'utf8').trim().split(/\r?\n/)
  const cells = (line) => [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)].map((match) => match[1].replace(/^"|"$/g, ''))
  const names = cells(head)
  return lines.map((line) => Object.fromEntries(cells(line).map((cell, place) => [names[place], cell])))
}

const known = new Map(rows(truth).map((row) => [row.tile_id, row.label]))
const tiles = rows(map).filter((row) => row.closed_reason !== 'gold')
const labels = tiles.reduce((sum, row) => sum + Number(row.labels || 0), 0)
const right = tiles.filter((row) => row.class === known.get(row.tile_id)).length
const damaged = tiles.filter((row) => known.get(row.tile_id) !== 'no_visible_damage')
const found = damaged.filter((row) => row.class && row.class !== 'no_visible_damage').length
const contested = tiles.filter((row) => row.state === 'contested').length
const share = (part, all) => (all === 0 ? '-' : (part / all).toFixed(3))
console.log(
  `${name.padEnd(12)} ${seed.padStart(5)} ${String(labels).padStart(7)} ${(labels / tiles.length).toFixed(2).padStart(9)} ` +
    `${share(right, tiles.length).padStart(9)} ${share(found, damaged.length).padStart(8)} ${String(contested).padStart(10)}`,
)
