// Where unsent answers lie: IndexedDB, or this page's memory where a browser forbids that.
import { openDB } from 'idb'
import type { Window } from '../api'

/** An answer that the server has not acknowledged yet. */
export interface Item {
  id: string
  campaign: string
  /** The volunteer who gave it; it is never sent under another name. */
  who: string
  lease_id: string
  tile_id: string
  /** Null for a remark alone, which is sent as a note and is no label. */
  answer: string | null
  seconds: number
  /** When the damage happened, in timeline campaigns; absent: cannot say. */
  window?: Window
  note?: string
  /** Whether the coordinator is asked to look at the tile. */
  flagged?: boolean
  /** Why the server refused it; such an item is kept and shown, and not sent again by itself. */
  refused: { code: string; reason: string } | null
}

export interface Store {
  /** Whether items survive closing the page. */
  readonly durable: boolean
  all(): Promise<Item[]>
  put(items: Item[]): Promise<void>
  remove(ids: string[]): Promise<void>
}

export class MemoryStore implements Store {
  readonly durable = false
  #items = new Map<string, Item>()
  async all(): Promise<Item[]> {
    return [...this.#items.values()]
  }
  async put(items: Item[]): Promise<void> {
    for (const item of items) this.#items.set(item.id, item)
  }
  async remove(ids: string[]): Promise<void> {
    for (const id of ids) this.#items.delete(id)
  }
}

/** Opens this device's database: unsent labels, and what the page keeps for times without a network (`device.ts`). */
export const openDevice = (name = 'aftermap') =>
  openDB(name, 2, {
    upgrade(db) {
      for (const [store, options] of [['labels', { keyPath: 'id' }], ['kept', {}]] as const) {
        if (!db.objectStoreNames.contains(store)) db.createObjectStore(store, options)
      }
    },
    // Another tab with a newer page must not wait for this one.
    blocking: (_current, _blocked, event) => (event.target as IDBDatabase).close(),
  })

/** Opens the store on this device. */
export async function openStore(name = 'aftermap'): Promise<Store> {
  try {
    const db = await openDevice(name)
    const write = async (work: (labels: IDBObjectStore) => void) => {
      const change = db.transaction('labels', 'readwrite', { durability: 'strict' })
      work(change.objectStore('labels') as unknown as IDBObjectStore)
      await change.done
    }
    return {
      durable: true,
      all: () => db.getAll('labels') as Promise<Item[]>,
      put: (items) => write((labels) => items.forEach((item) => labels.put(item))),
      remove: (ids) => write((labels) => ids.forEach((id) => labels.delete(id))),
    }
  } catch {
    return new MemoryStore()
  }
}
