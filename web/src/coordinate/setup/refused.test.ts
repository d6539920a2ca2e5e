import { afterEach, describe, expect, it } from 'vitest'
import { ApiError } from '../../client'
import { language } from '../../language.svelte'
import { failureOf, faultOf, refusalOf } from './refused'

const noSpace = new ApiError(507, 'no_space', 'there is no room for this file: 5 bytes are missing')
const odd = new ApiError(422, 'invalid', 'minimum: more than maximum', 'policy.minimum')
const wrongDate = new ApiError(422, 'invalid', 'the interval ends before it begins', 'captured_to')

describe('a refusal of the server', () => {
  afterEach(() => language.load('en'))

  it('stands in the server’s own words where these are the reader’s', () => {
    expect(refusalOf(noSpace)).toEqual({ words: noSpace.detail, own: '' })
    expect(refusalOf(new ApiError(0, 'unreadable', '')).words).toMatch(/no longer be read/)
    expect(failureOf('a.tif: is damaged')).toEqual({ words: 'a.tif: is damaged', own: '' })
    expect(faultOf(wrongDate)).toBe(wrongDate.detail)
  })

  it('is told in another language by its code or field, with the server’s own words below', async () => {
    await language.load('ar')
    expect(refusalOf(noSpace)).toEqual({ words: language.texts['fault.no_space'], own: noSpace.detail })
    expect(refusalOf(wrongDate).words).toBe(language.texts['fault.captured_to'])
    expect(faultOf(wrongDate)).toBe(language.texts['fault.captured_to'])
    expect(refusalOf(odd)).toEqual({ words: language.texts['fault.refused'], own: odd.detail })
    expect(failureOf('a.tif: is damaged')).toEqual({ words: language.texts['fault.job'], own: 'a.tif: is damaged' })
    expect(refusalOf(new ApiError(0, 'offline', '')).words).toBe(language.texts['problem.offline'])
  })
})
