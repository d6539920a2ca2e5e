import { beforeEach, expect, test, vi } from 'vitest'
import { render } from 'svelte/server'
import type { Campaign, Lease } from '../api'
import type { Item } from './store'

const written: Item[] = []
const me = { id: 'v1' as string | null, startLabelling: async () => {} }
const lease: Lease = {
  lease_id: '7',
  tile: { id: '13-1-1', bbox: [0, 0, 1, 1], footprint: null },
  frames: [],
  expires_at: '2999-01-01T00:00:00Z',
}

vi.mock('../session.svelte', () => ({ who: me }))
vi.mock('../mail.svelte', () => ({
  mail: { open: async () => ({ answeredLeases: [] }), put: async (item: Item) => void written.push(item), flush: async () => {}, onLeases: null },
}))
const hand = vi.hoisted(() => ({ out: async (): Promise<{ leases: Lease[] }> => ({ leases: [] }) }))
vi.mock('../api', async (original) => ({ ...(await original<object>()), api: { leases: () => hand.out(), skip: async () => {} } }))

const { ApiError } = await import('../api')
const { Sitting } = await import('./sitting.svelte')
const { default: Empty } = await import('./Empty.svelte')
const campaign = { slug: 'raqqa', progress: { tiles: 1, open: 1, closed: 0, share: 0 }, scale: { key: 'conflict3', ordered: true, answers: [] as Campaign['scale']['answers'] } } as Campaign

beforeEach(() => {
  written.length = 0
  me.id = 'v1'
  hand.out = async () => ({ leases: [lease] })
  vi.stubGlobal('document', { visibilityState: 'visible', addEventListener: () => {}, removeEventListener: () => {} })
  vi.stubGlobal('addEventListener', () => {})
  vi.stubGlobal('removeEventListener', () => {})
})

test('an answer given after the session has ended is kept under the name of who was handed the tile', async () => {
  const sitting = new Sitting(campaign)
  await sitting.start()
  me.id = null
  sitting.answer({ answer: 'destroyed' })
  await vi.waitFor(() => expect(written).toHaveLength(1))
  expect(written[0]).toMatchObject({ who: 'v1', lease_id: '7', answer: 'destroyed' })
  sitting.stop()
})

async function refusedWith(code: string, detail: string): Promise<string> {
  hand.out = () => Promise.reject(new ApiError(403, code, detail))
  const sitting = new Sitting(campaign)
  await sitting.start()
  sitting.stop()
  return render(Empty, { props: { sitting } }).body
}

test('who is paused in a campaign reads why', async () => {
  const page = await refusedWith('excluded', 'you get no tiles of this campaign at the moment: please write to us')
  expect(page).toContain('please write to us')
  expect(page).toContain('data-supply="excluded"')
})

test('who has to practise first is led to the training', async () => {
  const page = await refusedWith('practice_required', 'do the practice first')
  expect(page).toContain('href="#/c/raqqa/training"')
  expect(page).toContain('data-supply="practice"')
})
