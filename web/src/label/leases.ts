// Keeps the tiles in hand: a heartbeat while the page is open, giving them back when it closes, and a copy for times without a network.
import { api, type Lease } from '../api'
import { recall, remember } from '../device'
import { Tabs } from './tabs'

const HEARTBEAT_MS = 4 * 60_000

const keyOf = (slug: string, who: string) => `leases/${slug}/${who}`

/** Notes on the device which tiles are in hand. */
export const keepLeases = (slug: string, who: string, leases: Lease[]): Promise<void> => remember(keyOf(slug, who), leases)

/** The tiles that were in hand when this device last knew. */
export const keptLeases = async (slug: string, who: string): Promise<Lease[]> => (await recall<Lease[]>(keyOf(slug, who))) ?? []

/** Renews what `held` names now and then, and gives it back when the campaign's last page goes for good; returns how to stop both. */
export function watchLeases(slug: string, held: () => Lease[], renewed: (ends: Map<string, string>) => void): () => void {
  const tabs = new Tabs(slug)
  let reloading = false
  const beat = async () => {
    const ids = held().map((lease) => lease.lease_id)
    if (ids.length === 0 || document.visibilityState === 'hidden') return
    try {
      renewed(new Map((await api.renew(ids)).leases.map((lease) => [lease.lease_id, lease.expires_at])))
    } catch {
      // The next beat tries again; an answer after the end still counts where a place is free.
    }
  }
  const leave = (event: PageTransitionEvent) => {
    const last = tabs.alone
    tabs.leave()
    const ids = held().map((lease) => lease.lease_id)
    if (!last || ids.length === 0 || event.persisted || reloading || !navigator.onLine || installed()) return
    navigator.sendBeacon('/api/v1/leases/release', new Blob([JSON.stringify({ lease_ids: ids })], { type: 'application/json' }))
  }
  const back = () => tabs.join()
  // A reload brings the same tiles again, where the browser tells it from leaving.
  const going = (event: Event) => (reloading = (event as Event & { navigationType?: string }).navigationType === 'reload')
  const { navigation } = globalThis as { navigation?: EventTarget }
  const timer = setInterval(() => void beat(), HEARTBEAT_MS)
  addEventListener('pagehide', leave)
  addEventListener('pageshow', back)
  navigation?.addEventListener('navigate', going)
  document.addEventListener('visibilitychange', beat)
  return () => {
    clearInterval(timer)
    removeEventListener('pagehide', leave)
    removeEventListener('pageshow', back)
    tabs.leave()
    navigation?.removeEventListener('navigate', going)
    document.removeEventListener('visibilitychange', beat)
  }
}

/** The installed app is closed and opened all the time, perhaps without a network: it keeps its tiles until they run out. */
const installed = () => matchMedia('(display-mode: standalone)').matches
