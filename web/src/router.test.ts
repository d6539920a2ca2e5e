import { describe, expect, it } from 'vitest'
import { linkTo, parseRoute } from './router.svelte'

const page = (hash: string) => parseRoute(hash).page

describe('addresses', () => {
  it('lead to the pages', () => {
    expect(['', '#/', '#/sign-in', '#/c/demo', '#/c/demo/label', '#/c/demo/map'].map(page)).toEqual(['home', 'home', 'sign-in', 'campaign', 'label', 'map'])
    expect(parseRoute('#/sign-in?next=%2Fc%2Fdemo').query.get('next')).toBe('/c/demo')
  })
  it('that lead nowhere say so', () => {
    expect(['#/nowhere', '#/c', '#/c/demo/steal', '#/c/demo/map/more', '#/x/demo'].map(page)).toEqual(Array(5).fill('not-found'))
  })
  it('survive odd names and broken escapes', () => {
    expect(parseRoute(linkTo('a b/c', 'label'))).toMatchObject({ page: 'label', slug: 'a b/c' })
    expect(parseRoute('#/c/%E0%A4%A')).toMatchObject({ page: 'campaign', slug: '%E0%A4%A' })
  })
})
