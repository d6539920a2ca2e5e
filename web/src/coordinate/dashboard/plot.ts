// The chart itself, apart because uPlot is large and only coordinators need it.
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import type { Statistics } from './calls'
import { language } from '../../language.svelte'

type Timeline = Statistics['timeline']
export interface Plot {
  show(timeline: Timeline): void
  resize(width: number): void
  destroy(): void
}

const HEIGHT = 240
const [MINUTE, HOUR, DAY] = [60, 3600, 86_400]
/** Steps of the time axis, seconds; uPlot's own go down to milliseconds, and its dates are American. */
const STEPS = [1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE).concat([1, 2, 3, 6, 12].map((hours) => hours * HOUR), [1, 2, 7, 14, 30, 90, 365].map((days) => days * DAY))
/** 1970 began on a Thursday: so many seconds later was the first Monday. */
const FIRST_MONDAY = 4 * DAY
const timeOfDay = () => new Intl.DateTimeFormat(language.locale, { hour: 'numeric', minute: '2-digit' })
const dayOfYear = (timeZone?: 'UTC') => new Intl.DateTimeFormat(language.locale, { month: 'short', day: 'numeric', timeZone })

/** Where ticks stand: on round times of the reader's clock; days on those of UTC, in which the server cuts them, and weeks on Mondays. */
function splits(low: number, high: number, step: number): number[] {
  const clock = new Date(low * 1000).getTimezoneOffset() * MINUTE
  const from = step < DAY ? clock : step % (7 * DAY) === 0 ? FIRST_MONDAY : 0
  const first = from + Math.ceil((low - from) / step) * step
  return Array.from({ length: Math.max(0, Math.floor((high - first) / step) + 1) }, (_, place) => first + place * step)
}

/** Draws labels as bars and closed tiles as a line into `target`; a bar stands for `intervalSeconds`. */
export function draw(target: HTMLElement, timeline: Timeline, intervalSeconds: number, names: { labels: string; closed: string }): Plot {
  const style = getComputedStyle(document.documentElement)
  const colour = (name: string) => style.getPropertyValue(name).trim()
  const axis: uPlot.Axis = {
    stroke: colour('--ink-soft'),
    font: '12px system-ui, sans-serif',
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  }
  const chart = new uPlot(
    {
      width: target.clientWidth,
      height: HEIGHT,
      padding: [8, 28, 0, 20],
      legend: { show: false },
      cursor: { show: false },
      // Half an interval to either side, or the first and last bar would be cut in two.
      scales: { x: { range: (_, low, high) => [low - intervalSeconds / 2, high + intervalSeconds / 2] }, y: { range: (_, __, highest) => [0, Math.max(4, highest * 1.1)] } },
      axes: [{ ...axis, grid: { show: false }, incrs: STEPS, space: 70, splits: (_, __, low, high, step) => splits(low, high, step), values: (_, moments) => moments.map(tick) }, { ...axis, size: 44 }],
      series: [
        {},
        { label: names.labels, fill: colour('--accent'), width: 0, paths: uPlot.paths.bars!({ size: [0.8, 40] }), points: { show: false } },
        { label: names.closed, stroke: colour('--warn'), width: 2.5, points: { show: false } },
      ],
    },
    columns(timeline),
    target,
  )
  return {
    show: (next) => chart.setData(columns(next)),
    resize: (width) => chart.setSize({ width, height: HEIGHT }),
    destroy: () => chart.destroy(),
  }
}

/** The time of a tick; its day below the first one and wherever a day begins. */
function tick(seconds: number, place: number, all: number[]): string {
  const [moment, last] = [new Date(seconds * 1000), new Date((all[place - 1] ?? 0) * 1000)]
  const step = (all[1] ?? 0) - (all[0] ?? 0)
  // A day of the server's is one of UTC: in local time it might read as the day before.
  if (step >= DAY) return dayOfYear('UTC').format(moment)
  const newDay = place === 0 || moment.toDateString() !== last.toDateString()
  return timeOfDay().format(moment) + (newDay ? `\n${dayOfYear().format(moment)}` : '')
}

function columns(timeline: Timeline): uPlot.AlignedData {
  return [
    timeline.map((interval) => Date.parse(interval.from) / 1000),
    timeline.map((interval) => interval.labels),
    timeline.map((interval) => interval.tiles_closed),
  ]
}
