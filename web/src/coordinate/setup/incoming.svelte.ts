// Files on their way into a campaign: read, announced, sent, and given to a job once they are there. Goes on while other pages are looked at.
import { ApiError } from '../../client'
import { keep, kept } from '../../kept'
import { callsOf, type Dates, type Job, type JobWanted, type SceneDetails } from './calls'
import { notPicture, placeOf, type Kind } from './head'
import { NO_LOOK, readLook, type LookForm } from './look'
import { sumOf } from './sha256'
import { dayIn, resumable, Sender, type Course, type Upload } from './upload'

/** What a coordinator says of a picture. */
export interface Form extends SceneDetails, LookForm {
  interval: boolean
  day: string
  from: string
  to: string
}
export type Purpose = 'scene' | 'footprints' | 'practice' | 'check'
export const EMPTY: Form = { interval: false, day: '', from: '', to: '', title: '', sensor: '', licence: '', attribution: '', ...NO_LOOK }

/** What is known of a picture before it is chosen: the same one with another look. */
export interface Preset {
  form: Form
  /** The scene that goes when this one is there. */
  replaces: string
}

export class Item {
  upload = $state.raw<Upload | null>(null)
  /** A file of the operator's folder, which needs no sending. */
  inbox = $state(false)
  /** Share of the file that was read for its sum; null once it is known. */
  reading = $state<number | null>(null)
  course = $state.raw<Course | null>(null)
  error = $state.raw<ApiError | null>(null)
  form = $state<Form>({ ...EMPTY })
  replaces = $state('')
  /** What the file is, where that can be no picture: nothing of it is sent. */
  wrong = $state<Kind | 'nowhere' | null>(null)
  /** A TIFF that does not name its coordinate system. */
  unnamed = $state(false)
  /** Whether it is to be brought in as soon as it is here. */
  wanted = $state(false)
  /** While the server is asked to begin its job: a second touch begins no second one. */
  beginning = $state(false)
  sender: Sender | null = null
  stop: AbortController | null = null

  constructor(readonly name: string, readonly bytes: number, readonly purpose: Purpose) {}

  get here(): boolean {
    return this.inbox || this.course?.phase === 'complete' || this.upload?.state === 'complete'
  }
  /** The rest of a file that this page does not hold: it must be chosen again. */
  get orphan(): boolean {
    return Boolean(this.upload) && !this.sender && !this.here && this.reading === null
  }
  /** Takes over what is known of it. */
  take(preset?: Preset): void {
    if (!preset) return
    this.form = { ...preset.form }
    this.replaces = preset.replaces
  }
  get suggestion(): string | null {
    return dayIn(this.name)
  }
}

/** The dates of a form, or the field that lacks one. */
export function datesOf(form: Form): Dates | { lacks: 'day' | 'from' | 'to' } {
  if (!form.interval) return form.day ? { captured: form.day } : { lacks: 'day' }
  if (!form.from) return { lacks: 'from' }
  return form.to ? { captured_from: form.from, captured_to: form.to } : { lacks: 'to' }
}

function purposeOf(name: string): Purpose {
  return /\.(geojson|json|gpkg|fgb)$/i.test(name) ? 'footprints' : /\.csv$/i.test(name) ? 'check' : 'scene'
}

export class Incoming {
  items = $state.raw<Item[]>([])
  /** Hears of every job that a file began. */
  started: (job: Job) => void = () => undefined
  readonly calls

  constructor(readonly slug: string) {
    this.calls = callsOf(slug)
    globalThis.addEventListener?.('online', () => this.items.forEach((item) => item.sender?.nudge()))
    globalThis.addEventListener?.('beforeunload', (event) => {
      if (this.items.some((item) => item.reading !== null || item.course?.phase === 'sending')) event.preventDefault()
    })
  }

  /** What the server has begun to receive, with the words that this device remembers of it. */
  async load(): Promise<void> {
    const uploads = await this.calls.uploads()
    const gone = (item: Item) => item.upload && !uploads.some(({ id }) => id === item.upload?.id) && item.here
    const rest = this.items.filter((item) => !gone(item))
    const fresh = uploads.filter(({ id }) => !rest.some((item) => item.upload?.id === id)).map((upload) => this.#recall(upload))
    this.items = [...rest, ...fresh]
  }

  add(files: Iterable<File>, purpose: Purpose, preset?: Preset): void {
    for (const file of files) void this.#take(file, purpose, preset)
  }
  /** A file of the operator's folder. */
  addInbox(name: string, bytes: number, purpose: Purpose, preset?: Preset): Item {
    const item = new Item(name, bytes, purpose)
    item.take(preset)
    item.inbox = true
    this.items = [...this.items, item]
    this.#go(item)
    return item
  }
  /** Begins the job as soon as the file is here and its dates are known. */
  want(item: Item): void {
    item.wanted = true
    item.error = null
    this.#note(item)
    this.#go(item)
  }
  note(item: Item): void {
    this.#note(item)
  }
  pause(item: Item): void {
    item.sender?.pause()
  }
  resume(item: Item): void {
    item.error = null
    void item.sender?.start()
  }
  async remove(item: Item): Promise<void> {
    item.stop?.abort()
    item.sender?.pause()
    if (item.upload) await this.calls.forget(item.upload.id)
    this.items = this.items.filter((other) => other !== item)
  }

  async #take(file: File, purpose: Purpose, preset?: Preset): Promise<void> {
    const known = this.items.find((item) => item.orphan && item.name === file.name && item.bytes === file.size)
    const item = known ?? new Item(file.name, file.size, purpose)
    if (!known) this.items = [...this.items, item]
    item.take(preset)
    item.error = null
    item.reading = 0
    item.stop = new AbortController()
    try {
      if (purpose === 'scene') {
        const place = await placeOf(file)
        item.wrong = place === 'nowhere' ? place : await notPicture(file)
        item.unnamed = place === 'unnamed'
      }
      if (item.wrong) {
        item.reading = null
        return
      }
      const sum = await sumOf(file, (share) => (item.reading = share), item.stop.signal)
      const uploads = await this.calls.uploads()
      item.upload = resumable(file, uploads.filter(({ id }) => !this.items.some((other) => other !== item && other.upload?.id === id)), sum) ?? (await this.calls.announce(file.name, file.size, sum))
      item.reading = null
      this.#note(item)
      item.sender = new Sender(file, item.upload, this.calls, (course) => this.#told(item, course))
      await item.sender.start()
    } catch (error) {
      item.reading = null
      if (!item.stop.signal.aborted) item.error = error instanceof ApiError ? error : new ApiError(0, 'unreadable', '')
    }
  }
  #told(item: Item, course: Course): void {
    item.course = course
    if (course.phase === 'failed') item.error = course.error
    if (course.phase === 'complete') this.#go(item)
  }
  #go(item: Item): void {
    if (item.here && (item.wanted || item.purpose !== 'scene')) void this.#begin(item)
  }
  async #begin(item: Item): Promise<void> {
    const wanted = jobOf(item)
    if (!wanted || item.beginning) return
    item.wanted = false
    item.beginning = true
    try {
      this.started(await this.calls.start(wanted))
      this.items = this.items.filter((other) => other !== item)
    } catch (error) {
      item.error = error instanceof ApiError ? error : new ApiError(0, 'unavailable', '')
    }
    item.beginning = false
  }

  #note(item: Item): void {
    if (item.upload) keep(`incoming/${item.upload.id}`, JSON.stringify({ purpose: item.purpose, form: item.form, replaces: item.replaces }))
  }
  #recall(upload: Upload): Item {
    let noted: { purpose?: Purpose; form?: Partial<Form>; replaces?: string } = {}
    try {
      noted = JSON.parse(kept.get(`incoming/${upload.id}`) || '{}') as typeof noted
    } catch {
      // Then the form is empty.
    }
    const item = new Item(upload.file_name, upload.bytes, noted.purpose ?? purposeOf(upload.file_name))
    item.upload = upload
    item.form = { ...EMPTY, ...noted.form }
    item.replaces = noted.replaces ?? ''
    return item
  }
}

/** The job for a file that is here; null while a date is missing. */
export function jobOf(item: Item): JobWanted | null {
  const source = item.inbox ? { file: item.name } : item.upload ? { upload: item.upload.id } : null
  if (!source) return null
  if (item.purpose === 'footprints') return { kind: 'footprints', ...source }
  if (item.purpose !== 'scene') return { kind: 'gold', gold: item.purpose, ...source }
  const dates = datesOf(item.form)
  const { look, faults } = readLook(item.form)
  if ('lacks' in dates || Object.keys(faults).length > 0) return null
  const { title, sensor, licence, attribution } = item.form
  const said = Object.entries({ title, sensor, licence, attribution }).filter(([, words]) => words.trim())
  return { kind: 'ingest', ...source, ...dates, ...Object.fromEntries(said), ...look, ...(item.replaces && { replaces: item.replaces }) }
}

const all = new Map<string, Incoming>()

/** The files on their way into a campaign: one list, whichever page stands. */
export function incomingOf(slug: string): Incoming {
  let incoming = all.get(slug)
  if (!incoming) all.set(slug, (incoming = new Incoming(slug)))
  return incoming
}
