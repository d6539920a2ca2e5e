// Arithmetic over the server's counts: histograms out of "at least" lists, and damage by the interval between two images.
import type { MapStatistics, Scene } from '../api'

/** The bars from the first that holds anything: below the chance of a guess there are none. */
export const fromFirst = <T extends { tiles: number }>(bars: T[]): T[] => bars.slice(Math.max(0, bars.findIndex(({ tiles }) => tiles > 0)))

/** Bars out of a list "at least 0, 0.01, … 1", each so many hundredths wide; the last bar holds certainty itself. */
export function histogram(atLeast: number[], width: number): { from: number; to: number; tiles: number }[] {
  const bars = []
  for (let from = 0; from < 100; from += width) {
    const to = from + width
    const beyond = to >= 100 ? 0 : (atLeast[to] ?? 0)
    bars.push({ from, to, tiles: (atLeast[from] ?? 0) - beyond })
  }
  return bars
}

export interface Interval {
  /** Ids of the scenes it lies between. */
  from: string
  to: string
  tiles: number
}

/** How many tiles were damaged between each two neighbouring scenes, and before the first. */
export function byInterval(windows: MapStatistics['windows'], scenes: Pick<Scene, 'id'>[]): { intervals: Interval[]; before: number } {
  const intervals = scenes.slice(1).map((scene, place) => ({ from: (scenes[place] as Pick<Scene, 'id'>).id, to: scene.id, tiles: 0 }))
  let before = 0
  for (const { first_damaged, last_intact, tiles } of windows) {
    if (last_intact === null) before += tiles
    // A window over several images counts where it ends: that is the first proof of it.
    const interval = last_intact === null ? undefined : intervals.find(({ to }) => to === first_damaged)
    if (interval) interval.tiles += tiles
  }
  return { intervals, before }
}

/** Tiles of a class in the counts. */
export const ofClass = (counts: MapStatistics, key: string): number => counts.classes.find((one) => one.class === key)?.tiles ?? 0
