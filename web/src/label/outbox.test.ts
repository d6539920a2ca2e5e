import 'fake-indexeddb/auto'
import { describe, expect, it } from 'vitest'
import { ApiError, type LabelItem, type Receipts } from '../api'
import { backoffSeconds, Outbox, type Status, type Wires } from './outbox'
import { MemoryStore, openStore, type Item, type Store } from './store'
import { uuidV7 } from './uuid'

type Result = Receipts['results'][number]
const stored = (items: LabelItem[]): Receipts => ({ results: items.map(({ id }) => ({ id, status: 'stored' })), leases: [] })
const item = (answer = 'destroyed', who = 'me'): Item => ({
  id: uuidV7(), campaign: 'demo', who, lease_id: `lease-${answer}`, tile_id: 't', answer, seconds: 2, refused: null,
})

/** An outbox whose server answers as told, and whose alarms ring only when the test rings them. */
async function made(submit: Wires['submit'], store: Store = new MemoryStore(), who = () => 'me' as string | null) {
  const sent: LabelItem[][] = []
  const alarms: { seconds: number; ring: () => void }[] = []
  const seen: Status[] = []
  const outbox = await Outbox.open(store, {
    submit: (items) => (sent.push(items), submit(items)),
    who,
    changed: (status) => void seen.push(status),
    later: (seconds, ring) => void alarms.push({ seconds, ring }),
  })
  return { outbox, sent, alarms, seen, store }
}

describe('outbox', () => {
  it('writes an answer down before it is sent, and removes it only after the acknowledgement', async () => {
    const store = await openStore('before-send')
    let heldAtSend = -1
    const { outbox } = await made(async (items) => ((heldAtSend = (await store.all()).length), stored(items)), store)
    await outbox.put(item())
    await outbox.flush()
    expect(heldAtSend).toBe(1)
    expect(await store.all()).toEqual([])
    expect(outbox.status).toMatchObject({ unsent: 0, trouble: 'none', durable: true })
  })

  it('keeps everything while the server is away, over a reload too, and sends it in order later', async () => {
    const store = await openStore('reload')
    const away = await made(async () => Promise.reject(new ApiError(0, 'offline', '')), store)
    for (const answer of ['a', 'b', 'c']) await away.outbox.put(item(answer))
    await away.outbox.flush()
    expect(away.outbox.status).toMatchObject({ unsent: 3, trouble: 'offline' })

    const back = await made(async (items) => stored(items), await openStore('reload'))
    expect(back.outbox.answeredLeases).toEqual(['lease-a', 'lease-b', 'lease-c'])
    await back.outbox.flush()
    expect(back.sent.flat().map((one) => one.answer)).toEqual(['a', 'b', 'c'])
    expect(back.outbox.status.unsent).toBe(0)
  })

  it('keeps and sends an answer that the device refuses to write, and says that it is not durable', async () => {
    const full = async () => Promise.reject(new DOMException('no room', 'QuotaExceededError'))
    const store: Store = { durable: true, all: async () => [], put: full, remove: full }
    let up = false
    const { outbox, alarms, sent } = await made(async (items) => (up ? stored(items) : Promise.reject(new ApiError(0, 'offline', ''))), store)
    await outbox.put(item())
    await outbox.flush()
    expect(outbox.status).toMatchObject({ unsent: 1, durable: false })
    up = true
    alarms.at(-1)?.ring()
    await outbox.flush()
    expect(sent.at(-1)?.[0]?.answer).toBe('destroyed')
    expect(outbox.status.unsent).toBe(0)
  })

  it('tries again when the alarm rings', async () => {
    let up = false
    const { outbox, alarms } = await made(async (items) => (up ? stored(items) : Promise.reject(new ApiError(503, 'unavailable', '', null, 7))))
    await outbox.put(item())
    await outbox.flush()
    expect(outbox.status.trouble).toBe('busy')
    expect(alarms.at(-1)?.seconds).toBeGreaterThanOrEqual(7)
    up = true
    alarms.at(-1)?.ring()
    await outbox.flush()
    expect(outbox.status).toMatchObject({ unsent: 0, trouble: 'none' })
  })

  it('keeps a refused answer and its reason, and does not send it again', async () => {
    const refuse = ({ id }: LabelItem): Result => ({ id, status: 'refused', code: 'too_late', reason: 'closed' })
    const { outbox, sent, store } = await made(async (items) => ({ results: items.map(refuse), leases: [] }))
    await outbox.put(item())
    await outbox.flush()
    await outbox.flush()
    expect(sent.length).toBe(1)
    expect(outbox.status).toMatchObject({ unsent: 0, refused: [{ refused: { code: 'too_late', reason: 'closed' } }] })
    expect((await store.all()).length).toBe(1)
    await outbox.dismissRefused()
    expect(await store.all()).toEqual([])
  })

  it('one bad answer does not hold up the others of its batch', async () => {
    const picky = async (items: LabelItem[]) => {
      if (items.some((one) => one.answer === 'bad')) throw new ApiError(400, 'invalid', 'cannot be read')
      return stored(items)
    }
    const store = new MemoryStore()
    await store.put([item('a'), item('bad'), item('c')])
    const { outbox } = await made(picky, store)
    await outbox.flush()
    expect(outbox.status.unsent).toBe(0)
    expect(outbox.status.refused.map((one) => one.answer)).toEqual(['bad'])
  })

  it('never sends one person’s answers under another name', async () => {
    let me: string | null = 'someone-else'
    const { outbox, sent } = await made(async (items) => stored(items), new MemoryStore(), () => me)
    await outbox.put(item())
    await outbox.flush()
    expect(sent).toEqual([])
    expect(outbox.status).toMatchObject({ unsent: 1, trouble: 'signed-out' })
    me = 'me'
    await outbox.flush()
    expect(outbox.status).toMatchObject({ unsent: 0, trouble: 'none' })
  })

  it('a reply that names no label sent leaves them in place', async () => {
    const { outbox } = await made(async () => ({ results: [], leases: [] }))
    await outbox.put(item())
    await outbox.flush()
    expect(outbox.status).toMatchObject({ unsent: 1, trouble: 'busy' })
  })

  it('sends at most 50 at a time', async () => {
    const store = new MemoryStore()
    await store.put(Array.from({ length: 120 }, (_, i) => item(`a${i}`)))
    const { outbox, sent } = await made(async (items) => stored(items), store)
    await outbox.flush()
    expect(sent.map((batch) => batch.length)).toEqual([50, 50, 20])
  })
})

describe('waiting between attempts', () => {
  it('doubles up to a minute and never undercuts what the server asks', () => {
    expect([1, 2, 3, 4, 20].map((failures) => backoffSeconds(failures, 1))).toEqual([1, 2, 4, 8, 60])
    expect(backoffSeconds(1, 0)).toBe(0.5)
    expect(backoffSeconds(1, 1, 30)).toBe(30)
  })
})

describe('ids', () => {
  it('are UUIDs of version 7 that sort as they were made, even within one millisecond or when the clock steps back', () => {
    const ids = [uuidV7(5000), uuidV7(5000), uuidV7(4000), uuidV7()]
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect([...ids].sort()).toEqual(ids)
  })

  it('sends window, note and flag with the answer, and a remark alone as a note, in the order given', async () => {
    const notes: Item[] = []
    const store = new MemoryStore()
    const sent: LabelItem[][] = []
    const outbox = await Outbox.open(store, {
      submit: async (items) => (sent.push(items), stored(items)),
      note: async (one) => void notes.push(one),
      who: () => 'me',
      changed: () => {},
      later: () => {},
    })
    const window = { last_intact: 's1', first_damaged: 's2' }
    for (const one of [{ ...item('destroyed'), window, note: 'look', flagged: true }, { ...item(), answer: null, note: 'alone' }, item('damaged')]) await outbox.put(one)
    await outbox.flush()
    expect(sent.flat()).toMatchObject([{ answer: 'destroyed', window, note: 'look', flagged: true }, { answer: 'damaged' }])
    expect(notes.map(({ note }) => note)).toEqual(['alone'])
    expect(await store.all()).toEqual([])
  })

  it('never says saved while an answer is still being written down', async () => {
    let written = () => {}
    const slow: Store = { durable: true, all: async () => [], put: (items) => (items.length === 0 ? Promise.resolve() : new Promise((done) => (written = done))), remove: async () => {} }
    const { outbox, sent } = await made(async (items) => stored(items), slow)
    const put = outbox.put(item())
    expect([outbox.status.unsent, sent.length]).toEqual([1, 0])
    written()
    await put
    await outbox.flush()
    expect([outbox.status.unsent, sent.length]).toEqual([0, 1])
  })
})
