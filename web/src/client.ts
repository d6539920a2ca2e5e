// How the page talks with the server: one client over the generated OpenAPI types, one kind of error, one refresh of a run-out session.
import createClient from 'openapi-fetch'
import type { paths } from './api.gen'
import { visit } from './visit'

/** Why a call failed. `status` 0 and code `offline` mean that the server could not be reached at all. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly field: string | null = null,
    readonly retryAfterSeconds: number | null = null,
  ) {
    super(detail || code)
    this.name = 'ApiError'
  }
  /** Whether the same call may succeed later without any change. */
  get passing(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500
  }
}

async function reach(request: Request): Promise<Response> {
  try {
    return await fetch(request)
  } catch {
    throw new ApiError(0, 'offline', '')
  }
}

let refreshing: Promise<boolean> | null = null

/**
 * Asks for new cookies; calls that come while one is under way share it, because each refresh replaces the last.
 * False when the session is over for good; throws when that cannot be known now.
 */
export function refreshSession(): Promise<boolean> {
  refreshing ??= renew().finally(() => (refreshing = null))
  return refreshing
}

async function renew(): Promise<boolean> {
  const response = await reach(new Request('/api/v1/session/refresh', { method: 'POST' }))
  if (response.ok) return true
  if (response.status !== 401) throw errorOf(response, await response.json().catch(() => null))
  visit.signedIn = false
  return false
}

let prove: (() => Promise<boolean>) | null = null

/** Says who asks for the password when the server wants it once more; true when it was right. */
export function onPasswordNeeded(ask: () => Promise<boolean>): void {
  prove = ask
}

/** A request that renews a session that ran out, once, and asks for the password where that is needed. */
export async function reachSignedIn(request: Request): Promise<Response> {
  const again = request.clone()
  const response = await reachRenewed(request)
  if (response.status !== 403 || !prove) return response
  const problem = await response.clone().json().catch(() => null)
  return problem?.code === 'password_needed' && (await prove()) ? reachRenewed(again) : response
}

async function reachRenewed(request: Request): Promise<Response> {
  const again = request.clone()
  const response = await reach(request)
  if (response.status !== 401) return response
  const problem = await response.clone().json().catch(() => null)
  // The browser drops the cookie of a session that ran out, so it can look as if there had been none.
  const renewable = problem?.code === 'session_expired' || (problem?.code === 'unauthorized' && visit.signedIn)
  if (!renewable) return response
  return (await refreshSession()) ? reach(again) : response
}

export const client = createClient<paths>({ baseUrl: globalThis.location?.origin ?? '', fetch: reachSignedIn })

/** The error that a refusal stands for. */
export function errorOf(response: Response, problem: unknown): ApiError {
  const { code, detail, title, field } = (problem ?? {}) as Record<string, string | undefined>
  const wait = Number.parseInt(response.headers.get('retry-after') ?? '', 10)
  const fallback = response.status >= 500 ? 'unavailable' : 'invalid'
  return new ApiError(response.status, code ?? fallback, detail ?? title ?? '', field ?? null, Number.isNaN(wait) ? null : wait)
}

/** What was answered, or an [`ApiError`] with the server's words. */
export async function result<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call
  if (!response.ok) throw errorOf(response, error)
  return data as T
}

/** The path of a call about a campaign. */
export const inCampaign = (slug: string) => ({ params: { path: { slug } } })
