// The chart itself, apart because uPlot is large and only coordinators need it.
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import type { Statistics } from '../api'
import { locale } from '../i18n'

type Timeline = Statistics['timeline']
export interface Plot {
  show(timeline: Timeline): void
  resize(width: number): void
  destroy(): void
}

const HEIGHT = 240

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
      legend: { show: false },
      cursor: { show: false },
      // Half an interval to either side, or the first and last bar would be cut in two.
      scales: { x: { range: (_, low, high) => [low - intervalSeconds / 2, high + intervalSeconds / 2] }, y: { range: (_, __, highest) => [0, Math.max(4, highest * 1.1)] } },
      axes: [{ ...axis, grid: { show: false }, space: 90, values: (_, moments) => moments.map(moment(intervalSeconds)) }, { ...axis, size: 44 }],
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

const DAY_SECONDS = 86_400

/** Words for a moment on the axis, given in seconds: the time of day, or the day where an interval is that long. */
function moment(intervalSeconds: number): (seconds: number) => string {
  const style: Intl.DateTimeFormatOptions =
    intervalSeconds < DAY_SECONDS / 12
      ? { hour: '2-digit', minute: '2-digit' }
      : intervalSeconds < DAY_SECONDS
        ? { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' }
        : { month: 'short', day: 'numeric' }
  const format = new Intl.DateTimeFormat(locale, style)
  return (seconds) => format.format(new Date(seconds * 1000))
}

function columns(timeline: Timeline): uPlot.AlignedData {
  return [
    timeline.map((interval) => Date.parse(interval.from) / 1000),
    timeline.map((interval) => interval.labels),
    timeline.map((interval) => interval.tiles_closed),
  ]
}
