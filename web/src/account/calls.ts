// Calls about my open sessions and my second factor, and the password given once more.
import { client, result } from '../client'

export const calls = {
  sessions: () => result(client.GET('/api/v1/me/sessions')),
  endSession: (id: string) => result(client.DELETE('/api/v1/me/sessions/{id}', { params: { path: { id } } })),
  prove: (password: string, code?: string) => result(client.POST('/api/v1/session/proof', { body: { password, ...(code && { code }) } })),
  beginSecondFactor: () => result(client.POST('/api/v1/me/second-factor')),
  confirmSecondFactor: (code: string) => result(client.POST('/api/v1/me/second-factor/confirm', { body: { code } })),
  removeSecondFactor: (code: string) => result(client.DELETE('/api/v1/me/second-factor', { body: { code } })),
}
