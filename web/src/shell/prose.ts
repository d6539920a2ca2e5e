// Reads the small part of Markdown that coordinators' texts need. Anything else stays the plain text it is.

export interface Span {
  kind: 'text' | 'bold' | 'italic' | 'link'
  text: string
  href?: string
}
export interface Block {
  kind: 'paragraph' | 'heading' | 'list' | 'numbers' | 'tile'
  /** For a tile: its caption. */
  lines: Span[][]
  tile?: string
}

const BULLET = /^\s*[-*•]\s+/
const NUMBER = /^\s*\d+[.)]\s+/
/** A picture of a tile, `![caption](tile:ID)`: a block of its own wherever it stands. */
const TILE = /^!\[([^\]]*)\]\(tile:([^)\s]+)\)$/
const HEADING = /^#{1,6}\s+/
const INLINE = /\*\*(.+?)\*\*|\*([^*\s][^*]*)\*|\[([^\]]+)\]\((https?:\/\/[^\s)]+)\)|(https?:\/\/[^\s<>"]*[^\s<>".,;:!?)])/g

export function blocksOf(text: string): Block[] {
  return text
    .replaceAll('\r', '')
    .replace(/^(#{1,6}\s.*)$/gm, '\n$1\n')
    .replace(/!\[[^\]]*\]\(tile:[^)\s]+\)/g, '\n\n$&\n\n')
    .split(/\n\s*\n/)
    .map((part) => part.trim())
    .filter(Boolean)
    .flatMap(blocksOfPart)
}

function blocksOfPart(part: string): Block[] {
  if (HEADING.test(part)) return [{ kind: 'heading', lines: [spansOf(part.replace(HEADING, ''))] }]
  const picture = TILE.exec(part)
  if (picture) return [{ kind: 'tile', lines: [spansOf(picture[1] ?? '')], tile: picture[2] ?? '' }]
  const lines = part.split('\n')
  const start = lines.findIndex((line) => BULLET.test(line) || NUMBER.test(line))
  if (start < 0) return [{ kind: 'paragraph', lines: [spansOf(lines.join(' '))] }]
  const before = start > 0 ? blocksOfPart(lines.slice(0, start).join('\n')) : []
  const kind = BULLET.test(lines[start] ?? '') ? 'list' : 'numbers'
  const items: string[] = []
  for (const line of lines.slice(start)) {
    if (BULLET.test(line) || NUMBER.test(line)) items.push(line.replace(BULLET, '').replace(NUMBER, ''))
    else items.push(`${items.pop() ?? ''} ${line.trim()}`)
  }
  return [...before, { kind, lines: items.map(spansOf) }]
}

/** The words of a text without its marks, where only one line of plain words has room. */
export function wordsOf(text: string): string {
  return blocksOf(text).filter(({ kind }) => kind !== 'tile').map(({ lines }) => lines.map((spans) => spans.map((span) => span.text).join('')).join(' ')).join(' ')
}

export function spansOf(line: string): Span[] {
  const spans: Span[] = []
  let end = 0
  for (const match of line.matchAll(INLINE)) {
    if (match.index > end) spans.push({ kind: 'text', text: line.slice(end, match.index) })
    const [whole, bold, italic, label, target, bare] = match
    if (bold) spans.push({ kind: 'bold', text: bold })
    else if (italic) spans.push({ kind: 'italic', text: italic })
    else spans.push({ kind: 'link', text: label ?? bare ?? whole, href: target ?? bare ?? '' })
    end = match.index + whole.length
  }
  if (end < line.length) spans.push({ kind: 'text', text: line.slice(end) })
  return spans
}
