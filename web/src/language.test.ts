import { describe, expect, it } from 'vitest'
import { choose, directionOf, LANGUAGES, nameOf } from './language.svelte'

describe('the language of the page', () => {
  it('is the first of the wishes that we have, whatever its region, else English', () => {
    expect(choose(['de-DE', 'fr-CA', 'es'])).toBe('fr')
    expect(choose(['AR-sy'])).toBe('ar')
    expect(choose(['', 'xx'])).toBe('en')
  })

  it('is one of five at least, each with a name of its own and a direction', () => {
    expect(LANGUAGES).toEqual(expect.arrayContaining(['en', 'fr', 'es', 'ar', 'uk']))
    expect(LANGUAGES[0]).toBe('en')
    expect(LANGUAGES.map(nameOf)).toEqual(expect.arrayContaining(['English', 'Français', 'Español', 'العربية', 'Українська']))
    expect(LANGUAGES.filter((code) => directionOf(code) === 'rtl')).toEqual(['ar'])
  })
})
