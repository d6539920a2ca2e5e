// What the account forms share: checks before sending, and where a refusal is shown.
import { ApiError } from '../api'
import { t, tOf } from '../i18n'

/** Field name → what is wrong with it; `form` for what belongs to no field. */
export type Faults = Record<string, string>

const SHORTEST_PASSWORD = 10
const KNOWN = ['offline', 'unavailable', 'wrong_credentials', 'name_taken', 'second_factor_required', 'wrong_second_factor', 'too_many_attempts']

export function checkNew(name: string, password: string): Faults {
  const faults: Faults = {}
  if (!name.trim()) faults.name = t('account.name_missing')
  // The server counts characters, not UTF-16 units.
  if ([...password].length < SHORTEST_PASSWORD) faults.password = t('account.password_short')
  return faults
}

/** What is wrong with a code before it is sent. The server reads European, Arabic and Persian digits, with blanks between them. */
export function checkCode(code: string): Faults {
  return /^[0-9٠-٩۰-۹]{6}$/.test(code.replaceAll(/\s/g, '')) ? {} : { code: t('second_factor.code_missing') }
}

/** Whether the password was right, and the account has a second factor. */
export const wantsCode = (error: unknown): boolean => error instanceof ApiError && error.code === 'second_factor_required'

/** Says a refusal at the field it names, else above the form. */
export function faultsOf(error: unknown, wrong: 'wrong_credentials' | 'wrong_recovery' | 'wrong_password' = 'wrong_credentials'): Faults {
  if (!(error instanceof ApiError)) return { form: tOf('problem', 'unavailable') }
  if (error.code === 'wrong_credentials') return { form: tOf('problem', wrong) }
  const words = KNOWN.includes(error.code) ? tOf('problem', error.code) : error.detail || tOf('problem', error.code)
  const field = error.code === 'name_taken' ? 'name' : error.field
  return field === 'name' || field === 'password' || field === 'recovery_code' || field === 'code' ? { [field]: words } : { form: words }
}
