import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Lease } from '../api'
import { watchLeases } from './leases'
import { Tabs } from './tabs'

type Leaving = (event: { persisted: boolean }) => void
const lease = { lease_id: '7' } as Lease
const beacon = vi.fn<(address: string, body: Blob) => boolean>(() => true)
/** Everything that the tabs of this test listen to, in the order in which they were opened. */
let heard: { type: string; act: Leaving }[] = []
let stops: (() => void)[] = []

beforeEach(() => {
  beacon.mockClear()
  heard = []
  stops = []
  vi.stubGlobal('document', { visibilityState: 'visible', addEventListener: () => {}, removeEventListener: () => {} })
  vi.stubGlobal('navigator', { onLine: true, sendBeacon: beacon })
  vi.stubGlobal('matchMedia', () => ({ matches: false }))
  vi.stubGlobal('addEventListener', (type: string, act: Leaving) => void heard.push({ type, act }))
  vi.stubGlobal('removeEventListener', () => {})
})
afterEach(() => {
  stops.forEach((stop) => stop())
  vi.unstubAllGlobals()
})

/** Opens a tab of a campaign; returns what the browser does to it. */
function tab(slug: string) {
  const from = heard.length
  stops.push(watchLeases(slug, () => [lease], () => undefined))
  const fire = (type: string, persisted: boolean) => heard.slice(from, from + 2).filter((one) => one.type === type).forEach(({ act }) => act({ persisted }))
  return { close: () => fire('pagehide', false), freeze: () => fire('pagehide', true), thaw: () => fire('pageshow', true) }
}
/** Until a tab that opens now has heard all that the others said before. */
async function heardAll(slug: string, others: number) {
  const last = new Tabs(slug)
  if (others > 0) await vi.waitFor(() => expect(last.alone).toBe(false))
  last.leave()
  await new Promise((wake) => setTimeout(wake, 50))
}

test('the only tab gives its tiles back when it closes', async () => {
  tab('one').close()
  expect(beacon).toHaveBeenCalledOnce()
  expect(JSON.parse(await (beacon.mock.calls[0]?.[1] as Blob).text())).toEqual({ lease_ids: ['7'] })
})

test('of two tabs of a campaign only the one that closes last gives tiles back', async () => {
  const [first, second] = [tab('two'), tab('two')]
  await heardAll('two', 2)
  second.close()
  expect(beacon).not.toHaveBeenCalled()
  await heardAll('two', 1)
  first.close()
  expect(beacon).toHaveBeenCalledOnce()
})

test('a tab of another campaign keeps nothing back', async () => {
  const [first] = [tab('three'), tab('four')]
  await heardAll('three', 1)
  first.close()
  expect(beacon).toHaveBeenCalledOnce()
})

test('a tab that was put aside and comes back counts again', async () => {
  const [first, second] = [tab('five'), tab('five')]
  first.freeze()
  first.thaw()
  await heardAll('five', 2)
  second.close()
  expect(beacon).not.toHaveBeenCalled()
})

test('a browser whose tabs cannot hear each other lets the tiles run out by themselves', () => {
  vi.stubGlobal('BroadcastChannel', undefined)
  Reflect.deleteProperty(globalThis, 'BroadcastChannel')
  tab('six').close()
  expect(beacon).not.toHaveBeenCalled()
})
