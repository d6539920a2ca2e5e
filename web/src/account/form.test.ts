import { describe, expect, it } from 'vitest'
import { ApiError } from '../api'
import { checkCode, faultsOf, wantsCode } from './form'

describe('a code of the second factor', () => {
  it.each(['123456', ' 123 456 ', '٣٣٨٣١٤', '۳۳۸۳۱۴'])('is six digits as people write them: %s', (code) => expect(checkCode(code)).toEqual({}))
  it.each(['', '12345', '1234567', '12345x', '-23456', '१२३४५६'])('is nothing else: "%s"', (code) => expect(checkCode(code).code).toContain('six digits'))
  it('is asked for after the right password alone, and what is wrong with it stands at its field', () => {
    expect(wantsCode(new ApiError(401, 'second_factor_required', ''))).toBe(true)
    expect(wantsCode(new ApiError(401, 'wrong_credentials', ''))).toBe(false)
    expect(faultsOf(new ApiError(429, 'too_many_attempts', 'x')).form).toContain('Wait a few minutes')
    expect(faultsOf(new ApiError(401, 'wrong_second_factor', 'x', 'code')).code).toContain('Wait for the next one')
  })
})
