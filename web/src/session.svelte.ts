// Who I am, for every screen; keeps the session fresh while the page is in view.
import { api, ApiError, refreshSession, type Session } from './api'
import { forgetAll } from './device'
import { keep, kept } from './kept'
import { visit } from './visit'

const NOBODY: Session = { signed_in: false, volunteer_id: null, name: null, guest: false, admin: false, may_create_campaigns: false, roles: [], second_factor: 'none' }
// Sessions run for 15 minutes and images cannot ask for a new one themselves, so the page asks before that.
const REFRESH_MS = 10 * 60_000

class Who {
  session = $state.raw<Session>(NOBODY)
  /** False until the server has said who this is. */
  known = $state(false)

  get id(): string | null {
    return this.session.signed_in ? (this.session.volunteer_id ?? null) : null
  }
  get signedIn(): boolean {
    return this.session.signed_in
  }

  /** Asks who this is; without a network, whoever it was last time: their answers are kept under that name. */
  async load(): Promise<void> {
    try {
      await this.#ask()
    } catch (error) {
      if (!this.known && visit.signedIn) this.session = lastSession()
      this.known = true
      throw error
    }
  }

  async #ask(): Promise<void> {
    let session = await api.session()
    if (!session.signed_in && visit.signedIn && (await refreshSession())) {
      this.#stamp()
      session = await api.session()
    }
    // A session that ended by itself leaves no more on the device than one that was ended by hand.
    if (!session.signed_in && lastSession().signed_in) void forgetAll()
    this.session = session
    this.known = true
    visit.signedIn = session.signed_in
    keep('session', JSON.stringify(session))
    await this.#refresh()
  }

  /** Makes sure that labels have an author: whoever is signed in, else a new guest. */
  async startLabelling(): Promise<void> {
    if (this.signedIn) return
    // Asked again before anybody is made a guest: the first question may have met a server that was away.
    await this.load()
    if (this.signedIn) return
    await api.guest()
    this.#stamp()
    await this.load()
  }

  async signIn(name: string, password: string, code?: string): Promise<void> {
    await api.signIn(name, password, code)
    this.#stamp()
    await this.load()
  }

  async signOut(): Promise<void> {
    await api.signOut()
    this.gone()
  }

  /** Signed out, or the data deleted: nothing of this person stays on the device but answers that wait to be sent. */
  gone(): void {
    this.session = NOBODY
    visit.signedIn = false
    keep('session', '')
    void forgetAll()
  }

  /** Starts the regular refresh; returns how to stop it. */
  keepFresh(): () => void {
    const tick = () => void this.#refresh()
    const timer = setInterval(tick, 60_000)
    document.addEventListener('visibilitychange', tick)
    return () => {
      clearInterval(timer)
      document.removeEventListener('visibilitychange', tick)
    }
  }

  async #refresh(): Promise<void> {
    if (!this.signedIn || document.visibilityState === 'hidden') return
    if (Date.now() - visit.refreshedAt < REFRESH_MS) return
    this.#stamp() // first, so that other tabs do not ask at the same moment
    try {
      if (!(await refreshSession())) await this.load()
    } catch (error) {
      if (!(error instanceof ApiError && error.passing)) throw error
    }
  }

  #stamp(): void {
    visit.refreshedAt = Date.now()
  }
}

function lastSession(): Session {
  try {
    return { ...NOBODY, ...(JSON.parse(kept.get('session') || '{}') as Partial<Session>) }
  } catch {
    return NOBODY
  }
}

export const who = new Who()
