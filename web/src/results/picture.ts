// The map as a PNG that can stand alone: title, picture, legend, counts, dates, credits and licence.
import type { Scene } from '../api'
import { captured, count } from '../format'
import { t } from '../i18n'
import { factsOf } from './facts'
import { apartLines, legendOf } from './legend'
import type { ResultsMap } from './map'
import { hatched } from './pattern'
import { withAlpha } from './paint'
import type { View } from './view.svelte'

interface Frame {
  scene: Scene | undefined
  earlier: Scene | undefined
  border: number
  credit: string
}

const EDGE = 24
const SWATCH = 22
const LINE = 22
const SANS = 'system-ui, sans-serif'

/** Draws the picture and hands it to the browser as a download. */
export function makePicture(map: ResultsMap, view: View, frame: Frame): void {
  const [width, height] = map.size
  const ratio = Math.max(1, devicePixelRatio || 1)
  const ground = document.createElement('canvas')
  ground.width = Math.round(width * ratio)
  ground.height = Math.round(height * ratio)
  const context = ground.getContext('2d')
  if (!context) return
  context.fillStyle = '#14191b'
  context.fillRect(0, 0, ground.width, ground.height)
  map.drawOn(context)
  if (frame.earlier) {
    context.fillStyle = '#f7f4ec'
    context.fillRect(ground.width * frame.border - ratio, 0, 2 * ratio, ground.height)
  }
  const sheet = compose(ground, Math.max(width, 480), height, ratio, view, frame)
  sheet.toBlob((blob) => blob && save(blob, `${view.campaign.slug}-map.png`), 'image/png')
}

function save(blob: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 30_000)
}

function compose(ground: HTMLCanvasElement, width: number, height: number, ratio: number, view: View, frame: Frame): HTMLCanvasElement {
  const sheet = document.createElement('canvas')
  const context = sheet.getContext('2d') as CanvasRenderingContext2D
  const rtl = document.documentElement.dir === 'rtl'
  const { campaign, question } = view
  const days = [...new Set(campaign.scenes.slice(1).map((one) => one.captured_to.slice(0, 10)))]
  const legend = legendOf(question, view.classes, days, campaign.scale, 'light')
  const dates = [frame.earlier, frame.scene].filter((one): one is Scene => Boolean(one)).map((one) => captured(one.captured_from, one.captured_to))
  const pattern = question.patterns
  const words = [`${count(view.counts.shown)} ${t('results.of', { all: view.counts.tiles })}`, ...factsOf(view), location.href]
  context.font = `13px ${SANS}`
  const lines = words.flatMap((text) => wrapped(context, text, width))
  const keys = [...legend, ...apartLines(view.counts, 'light')]
  const across = columns(context, keys, width)
  const rows = Math.ceil(keys.length / across)
  const total = EDGE + 60 + height + 20 + rows * (SWATCH + 10) + lines.length * LINE + EDGE
  sheet.width = Math.round((width + 2 * EDGE) * ratio)
  sheet.height = Math.round(total * ratio)
  context.scale(ratio, ratio)
  context.fillStyle = '#fdfcf8'
  context.fillRect(0, 0, width + 2 * EDGE, total)
  context.direction = rtl ? 'rtl' : 'ltr'
  context.textAlign = 'start'
  const start = rtl ? EDGE + width : EDGE
  const write = (text: string, y: number, font: string, colour = '#15201f') => {
    context.font = font
    context.fillStyle = colour
    context.fillText(text, start, y)
  }
  write(campaign.title, EDGE + 20, `600 22px Georgia, serif`)
  write([t('results.title'), ...(dates.length > 0 ? [dates.join(' | ')] : [])].join(' · '), EDGE + 44, `14px ${SANS}`, '#4b5654')
  context.drawImage(ground, EDGE, EDGE + 60, width, height)
  let y = EDGE + 60 + height + 20
  y = drawLegend(context, keys, { start, width, y, rtl, pattern, across })
  for (const line of lines) write(line, (y += LINE) - 6, `13px ${SANS}`, '#4b5654')
  return sheet
}

/** How many legend entries stand side by side: as many as the longest one allows. */
function columns(context: CanvasRenderingContext2D, legend: { text: string }[], width: number): number {
  context.font = `14px ${SANS}`
  const longest = Math.max(...legend.map((line) => context.measureText(line.text).width))
  return Math.max(1, Math.floor(width / Math.max(180, SWATCH + longest + 28)))
}

function drawLegend(context: CanvasRenderingContext2D, legend: ReturnType<typeof legendOf>, at: { start: number; width: number; y: number; rtl: boolean; pattern: boolean; across: number }): number {
  const { across } = at
  legend.forEach((line, place) => {
    const [column, row] = [place % across, Math.floor(place / across)]
    const step = (at.width / across) * column
    const x = at.rtl ? at.start - step - SWATCH : at.start + step
    const y = at.y + row * (SWATCH + 10)
    if (line.colour) {
      context.fillStyle = at.pattern ? hatched(line.colour, withAlpha('#12191a', 0.5), line.density) : line.colour
      context.fillRect(x, y, SWATCH, SWATCH)
    }
    context.strokeStyle = '#857f70'
    context.strokeRect(x + 0.5, y + 0.5, SWATCH - 1, SWATCH - 1)
    context.fillStyle = '#15201f'
    context.font = `14px ${SANS}`
    context.fillText(line.text, at.rtl ? x - 8 : x + SWATCH + 8, y + 16)
  })
  return at.y + Math.ceil(legend.length / across) * (SWATCH + 10)
}

function wrapped(context: CanvasRenderingContext2D, text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line ? `${line} ${word}` : word
    if (context.measureText(longer).width <= width) {
      line = longer
      continue
    }
    if (line) lines.push(line)
    // An address has no spaces; it is cut where it must be.
    const pieces = word.match(/.{1,60}/gu) ?? []
    lines.push(...pieces.slice(0, -1))
    line = pieces[pieces.length - 1] ?? ''
  }
  return line ? [...lines, line] : lines
}
