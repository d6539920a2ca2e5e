// What this device keeps for times without a network: the last replies to a few questions, and the tiles in hand.
import { ApiError } from './api'
import { openDevice } from './label/store'

type Device = Awaited<ReturnType<typeof openDevice>>
let opened: Promise<Device | null> | null = null
const open = () => (opened ??= openDevice().catch(() => null))

export async function remember(key: string, value: unknown): Promise<void> {
  try {
    // Through JSON, because what the page draws from may be a proxy that the database cannot copy.
    await (await open())?.put('kept', JSON.parse(JSON.stringify(value)), key)
  } catch {
    // A full device keeps nothing more; the answers themselves have their own warning.
  }
}

export async function recall<T>(key: string): Promise<T | undefined> {
  try {
    return (await (await open())?.get('kept', key)) as T | undefined
  } catch {
    return undefined
  }
}

/** Forgets all that is kept, and the images of the service worker: somebody signs out or deletes their data. */
export async function forgetAll(): Promise<void> {
  try {
    await (await open())?.clear('kept')
    if ('caches' in globalThis) await caches.delete('images')
  } catch {
    // Nothing was kept then.
  }
}

/** Asks the server, and keeps the reply; when the server cannot be reached, the last reply stands in. */
export async function keepReply<T>(key: string, ask: () => Promise<T>): Promise<T> {
  try {
    const reply = await ask()
    void remember(key, reply)
    return reply
  } catch (error) {
    const last = error instanceof ApiError && error.passing ? await recall<T>(key) : undefined
    if (last === undefined) throw error
    return last
  }
}
