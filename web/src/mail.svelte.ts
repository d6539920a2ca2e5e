// The one outbox of the page, for every screen: what is unsent, what was refused, and when to try again.
import { api, type Lease } from './api'
import { Outbox, type Status } from './label/outbox'
import { openStore, type Item } from './label/store'
import { who } from './session.svelte'

class Mail {
  status = $state.raw<Status>({ unsent: 0, refused: [], trouble: 'none', durable: true })
  #outbox: Promise<Outbox> | null = null
  /** Who takes the next tiles that come with a receipt. */
  onLeases: ((campaign: string, leases: Lease[]) => void) | null = null

  open(): Promise<Outbox> {
    this.#outbox ??= openStore().then((store) =>
      Outbox.open(store, {
        submit: api.submit,
        note: async ({ id, campaign, lease_id, note = '', flagged = false }) => void (await api.note(campaign, { id, lease_id, text: note, flagged })),
        who: () => who.id,
        changed: (status) => (this.status = status),
        leases: (campaign, leases) => this.onLeases?.(campaign, leases),
        later: (seconds, attempt) => void setTimeout(attempt, seconds * 1000),
      }),
    )
    return this.#outbox
  }

  async put(item: Item): Promise<void> {
    await (await this.open()).put(item)
  }
  async flush(): Promise<void> {
    await (await this.open()).flush()
  }
  async dismissRefused(): Promise<void> {
    await (await this.open()).dismissRefused()
  }

  /** Tries again whenever the network or the reader comes back; returns how to stop that. */
  watch(): () => void {
    const flush = () => void this.flush()
    addEventListener('online', flush)
    document.addEventListener('visibilitychange', flush)
    return () => {
      removeEventListener('online', flush)
      document.removeEventListener('visibilitychange', flush)
    }
  }
}
export const mail = new Mail()
