// All that the setup page knows of one campaign: its settings as a draft, pictures, jobs and the check list, kept fresh while it stands.
import { api, type Campaign } from '../../api'
import type { Named } from '../../i18n'
import { keep, kept } from '../../kept'
import { hearJobs } from '../news'
import { amended } from './amended'
import { callsOf, type CheckItem, type Checklist, type Job, type JobWanted, type Settings, type SetupScene } from './calls'
import { Draft, type Held, type Saving } from './draft.svelte'
import { incomingOf } from './incoming.svelte'
import { namedIn } from './own-scale'

const CHECK_MS = 300
export const underWay = (job: Job) => job.state === 'waiting' || job.state === 'running'

export const STEPS = ['texts', 'images', 'places', 'policy', 'training', 'care', 'access', 'open'] as const
export type Step = (typeof STEPS)[number]
export type StepState = 'done' | 'warning' | 'blocking' | 'optional'

const OF_CARE = ['care_notice', 'help_lines']
const OF_MEND: Record<string, Step> = { scenes: 'images', jobs: 'images', tiles: 'places', texts: 'texts', policy: 'policy', training: 'training', release: 'access' }

/** The step on which an item of the check list is mended. */
export const stepOf = (item: CheckItem): Step => (OF_CARE.includes(item.key) ? 'care' : (OF_MEND[item.mend] ?? 'open'))

/** What is on the check list for a step, the worst first. */
export function itemsOf(step: Step, { items }: Checklist): CheckItem[] {
  const order = ['blocking', 'warning', 'ok']
  return items.filter((item) => stepOf(item) === step).sort((one, other) => order.indexOf(one.state) - order.indexOf(other.state))
}

/** How a step stands: what is worst among its items. */
export function stateOf(step: Step, checklist: Checklist): StepState {
  if (step === 'open') return checklist.ready ? 'done' : 'blocking'
  const mine = itemsOf(step, checklist)
  if (mine.length === 0) return 'optional'
  return mine.some(({ state }) => state === 'blocking') ? 'blocking' : mine.some(({ state }) => state === 'warning') ? 'warning' : 'done'
}

export class Setup {
  campaign = $state.raw() as Campaign
  scenes = $state.raw<SetupScene[]>([])
  jobs = $state.raw<Job[]>([])
  #checklist = $state.raw<Checklist>({ ready: false, items: [] })
  /** Whether somebody chose on this device who has the map: a draft begins with the widest, and nobody is to publish so by chance. */
  levelChosen = $state(false)
  /** How that stands which is not saved with the other settings: the tiles. */
  beside = $state<Saving>('saved')
  /** Whether buildings were chosen as tiles while no file of outlines has come: the server does not know of it. */
  wantsOutlines = $state(false)
  /** Goes up whenever pictures, tiles or settings may have changed. */
  turn = $state(0)
  readonly calls
  readonly draft: Draft<Settings>
  readonly incoming
  #deaf: () => void
  #check: ReturnType<typeof setTimeout> | undefined

  constructor(readonly slug: string, campaign: Campaign, held: Held<Settings>, lists: { scenes: SetupScene[]; jobs: Job[]; checklist: Checklist }) {
    this.calls = callsOf(slug)
    this.campaign = campaign
    Object.assign(this, { scenes: lists.scenes, jobs: lists.jobs })
    this.#checklist = lists.checklist
    this.levelChosen = kept.get(`level-chosen/${slug}`) === 'yes'
    const shelf = `setup/${slug}`
    this.draft = new Draft(held, this.calls, { read: () => kept.get(shelf) ?? '', write: (text) => keep(shelf, text) }, () => this.#changed())
    this.incoming = incomingOf(slug)
    this.incoming.started = (job) => this.follow(job)
    void this.incoming.load().catch(() => undefined)
    this.#deaf = hearJobs(slug, { waits: () => Boolean(this.busy), look: () => this.look() })
  }

  static async load(slug: string): Promise<Setup> {
    const calls = callsOf(slug)
    const [campaign, held, scenes, jobs, checklist] = await Promise.all([api.campaign(slug), calls.load(), calls.scenes(), calls.jobs(), calls.checklist()])
    return new Setup(slug, campaign, held, { scenes, jobs, checklist })
  }

  get fixed(): boolean {
    return this.campaign.state !== 'draft'
  }
  /** The answers with their names, for those who read this page. */
  get named(): Named {
    return namedIn(this.draft.settings.scale, this.draft.settings.language)
  }
  /** Whether the map would go to everybody because nobody chose. */
  get levelUnchosen(): boolean {
    return !this.levelChosen && !this.fixed && this.draft.settings.release_level === 'public'
  }
  get checklist(): Checklist {
    return amended(this.#checklist, { unchosen: this.levelUnchosen, outlines: this.wantsOutlines && !this.fixed })
  }
  chooseLevel(level: string): void {
    this.levelChosen = true
    keep(`level-chosen/${this.slug}`, 'yes')
    this.draft.set('release_level', level)
  }
  get busy(): Job | undefined {
    return this.jobs.find(underWay)
  }
  async start(wanted: JobWanted): Promise<void> {
    this.follow(await this.calls.start(wanted))
  }
  async cancel(job: Job): Promise<void> {
    this.follow(await this.calls.cancel(job.id))
  }
  /** Shows a job that was begun; how it goes on is heard. */
  follow(job: Job): void {
    this.jobs = [job, ...this.jobs.filter(({ id }) => id !== job.id)]
  }
  async look(): Promise<void> {
    const before = this.jobs.filter(underWay).map(({ id }) => id)
    this.jobs = await this.calls.jobs()
    const over = before.some((id) => !this.jobs.some((job) => job.id === id && underWay(job)))
    if (over) await this.reload()
  }
  /** Pictures, settings and the campaign anew: a job is done. */
  async reload(): Promise<void> {
    const [campaign, scenes] = await Promise.all([api.campaign(this.slug), this.calls.scenes(), this.draft.refresh(), this.incoming.load()])
    this.campaign = campaign
    this.scenes = scenes
    this.#changed()
  }
  dispose(): void {
    this.#deaf()
    clearTimeout(this.#check)
    this.draft.dispose()
  }

  #changed(): void {
    this.turn += 1
    clearTimeout(this.#check)
    this.#check = setTimeout(() => void this.#askList(), CHECK_MS)
  }
  async #askList(): Promise<void> {
    try {
      this.#checklist = await this.calls.checklist()
    } catch {
      // The old list stands until the next change.
    }
  }
}
