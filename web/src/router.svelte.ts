// Addresses after the hash: which page, which campaign, which query. The server only ever serves one document.

/** The screens of one campaign. */
const IN_CAMPAIGN = ['label', 'training', 'mine', 'progress', 'map', 'validate', 'releases', 'setup', 'desk', 'review', 'gold', 'volunteers', 'steer', 'log'] as const
export type Screen = (typeof IN_CAMPAIGN)[number]
export type Page = 'home' | 'new' | 'campaign' | Screen | 'invite' | 'sign-in' | 'register' | 'recover' | 'me' | 'not-found'
export interface Route {
  page: Page
  slug: string
  query: URLSearchParams
}

const ACCOUNT: Page[] = ['sign-in', 'register', 'recover', 'me']
/** Pages about no campaign in particular. */
const OF_SERVER: Page[] = ['new']

/** Reads what follows the `#` in the address. */
export function parseRoute(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#/, '').split('?')
  const query = new URLSearchParams(search)
  const parts = path.split('/').filter(Boolean).map(decode)
  const found = (page: Page, slug = ''): Route => ({ page, slug, query })
  if (parts.length === 0) return found('home')
  if (parts.length === 1) return found([...ACCOUNT, ...OF_SERVER].find((page) => page === parts[0]) ?? 'not-found')
  const [room, slug = '', screen] = parts
  // The secret of an invitation stays behind the `#`: no server is sent it as an address.
  if (room === 'invite' && parts.length === 2) return found('invite', slug)
  if (room !== 'c' || parts.length > 3) return found('not-found')
  if (!screen) return found('campaign', slug)
  return found(IN_CAMPAIGN.find((page) => page === screen) ?? 'not-found', slug)
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

export function linkTo(slug: string, screen: Screen | '' = ''): string {
  return `#/c/${encodeURIComponent(slug)}${screen ? `/${screen}` : ''}`
}

/** Link to an account page that leads back to where the reader is now. */
export function accountLink(page: 'sign-in' | 'register' | 'recover', back = router.back): string {
  return `#/${page}${back ? `?next=${encodeURIComponent(back)}` : ''}`
}

class Router {
  route = $state.raw<Route>(parseRoute(typeof location === 'undefined' ? '' : location.hash))
  /** The page to return to after signing in: this one, or the one this account page was asked to return to. */
  back = $derived.by(() => {
    const { page, slug, query } = this.route
    if (ACCOUNT.includes(page)) return query.get('next') ?? ''
    if (OF_SERVER.includes(page)) return `/${page}`
    if (page === 'invite') return `/invite/${encodeURIComponent(slug)}`
    return slug ? linkTo(slug, page === 'campaign' ? '' : (page as 'label')).slice(1) : ''
  })

  listen(): () => void {
    const follow = () => (this.route = parseRoute(location.hash))
    addEventListener('hashchange', follow)
    return () => removeEventListener('hashchange', follow)
  }
  /** Goes to a path inside this page; anything that is not one leads home. */
  go(path: string): void {
    location.hash = path.startsWith('/') ? path : '/'
  }
}
export const router = new Router()
