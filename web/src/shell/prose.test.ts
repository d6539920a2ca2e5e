import { describe, expect, it } from 'vitest'
import { wordsOf, blocksOf, spansOf } from './prose'

const kinds = (text: string) => blocksOf(text).map(({ kind }) => kind)

describe('coordinators’ texts', () => {
  it('have paragraphs, headings and lists', () => {
    expect(kinds('## Look\nat this\n\n- one\n- two\n\n1. first\n2. second')).toEqual(['heading', 'paragraph', 'list', 'numbers'])
    expect(blocksOf('Mind:\n- one\n  goes on\n- two').at(-1)?.lines.length).toBe(2)
  })
  it('have bold, italic and links', () => {
    expect(spansOf('a **b** and *c*').map(({ kind }) => kind)).toEqual(['text', 'bold', 'text', 'italic'])
    expect(spansOf('see https://example.org/a.').map(({ href, text }) => href ?? text)).toEqual(['see ', 'https://example.org/a', '.'])
    expect(spansOf('[here](https://example.org)')[0]).toMatchObject({ kind: 'link', text: 'here', href: 'https://example.org' })
  })
  it('never lead to anything but the web', () => {
    expect(spansOf('[x](javascript:alert(1))').every(({ kind }) => kind === 'text')).toBe(true)
  })
  it('keep what is no markup as it is', () => {
    expect(spansOf('<b>5 * 3 = 15</b>')).toEqual([{ kind: 'text', text: '<b>5 * 3 = 15</b>' }])
    expect(blocksOf('')).toEqual([])
  })

  it('makes a picture of a tile a block of its own', () => {
    const blocks = blocksOf('Look:\n![A roof that fell in](tile:17-1-2)\nthen ![](tile:x) go on.')
    expect(blocks.map(({ kind, tile }) => [kind, tile])).toEqual([['paragraph', undefined], ['tile', '17-1-2'], ['paragraph', undefined], ['tile', 'x'], ['paragraph', undefined]])
    expect(blocks[1]?.lines[0]?.[0]?.text).toBe('A roof that fell in')
  })

  it('can leave only the words', () => {
    expect(wordsOf('Find out **when**.\n\n- one\n- [two](https://example.org)\n\n![x](tile:y)')).toBe('Find out when. one two')
  })
})
