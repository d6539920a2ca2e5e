// Prints what a volunteer's browser loads for the labelling screen (script and style, gzip) and fails above the limit.
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

const LIMIT_KB = 150
const dist = new URL('../dist/', import.meta.url)
const manifest = JSON.parse(readFileSync(new URL('.vite/manifest.json', dist), 'utf8'))

const files = new Set(['theme.js'])
const seen = new Set()
function collect(key) {
  if (seen.has(key)) return
  seen.add(key)
  const chunk = manifest[key]
  if (!chunk) throw new Error(`no chunk ${key} in the build; the list of start chunks in size.mjs is out of date`)
  files.add(chunk.file)
  for (const style of chunk.css ?? []) files.add(style)
  for (const other of chunk.imports ?? []) collect(other)
}
const weight = (file) => gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length
// A reader loads one language: the heaviest counts.
const texts = Object.keys(manifest).filter((key) => key.startsWith('src/messages/'))
const heaviest = texts.reduce((most, key) => (weight(manifest[key].file) > weight(manifest[most].file) ? key : most))
for (const start of ['index.html', 'src/label/LabelPage.svelte', heaviest]) collect(start)

let total = 0
for (const file of files) {
  const bytes = weight(file)
  total += bytes
  console.log(`${(bytes / 1000).toFixed(1).padStart(7)} kB  ${file}`)
}
console.log(`${(total / 1000).toFixed(1).padStart(7)} kB  labelling screen, gzip (at most ${LIMIT_KB})`)
if (total > LIMIT_KB * 1000) {
  console.error('The labelling screen is too heavy: load what it does not need later.')
  process.exit(1)
}
