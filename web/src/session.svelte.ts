// Who I am, for every screen; keeps the session fresh while the page is in view.
import { api, ApiError, refreshSession, type Session } from './api'

const NOBODY: Session = { signed_in: false, volunteer_id: null, name: null, guest: false, admin: false, roles: [] }
// Sessions run for 15 minutes and images cannot ask for a new one themselves, so the page asks before that.
const REFRESH_MS = 10 * 60_000
const REFRESHED_AT = 'session-refreshed-at'

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

  async load(): Promise<void> {
    this.session = await api.session()
    this.known = true
    this.#stamp()
  }

  /** Makes sure that labels have an author: whoever is signed in, else a new guest. */
  async startLabelling(): Promise<void> {
    if (!this.known) await this.load()
    if (this.signedIn) return
    await api.guest()
    await this.load()
  }

  async signIn(name: string, password: string): Promise<void> {
    await api.signIn(name, password)
    await this.load()
  }

  async signOut(): Promise<void> {
    await api.signOut()
    this.session = NOBODY
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
    if (Date.now() - readStamp() < REFRESH_MS) return
    this.#stamp() // first, so that other tabs do not ask at the same moment
    try {
      if (!(await refreshSession())) await this.load()
    } catch (error) {
      if (!(error instanceof ApiError && error.passing)) throw error
    }
  }

  #stamp(): void {
    try {
      localStorage.setItem(REFRESHED_AT, String(Date.now()))
    } catch {
      // Without storage each tab refreshes for itself.
    }
  }
}

function readStamp(): number {
  try {
    return Number(localStorage.getItem(REFRESHED_AT) ?? 0)
  } catch {
    return 0
  }
}

export const who = new Who()
