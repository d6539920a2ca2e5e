// Reads and fills ICU messages: places, numbers, per cent, plural (with =N and #) and select. The part of the syntax that our texts
// use, in one kilobyte; messages.test.ts compares it with the reference implementation for every text in every language.

export type Values = Record<string, string | number>
export type Part =
  | string
  | { place: string; as: 'text' | 'number' | 'percent' }
  | { place: string; as: 'plural' | 'select'; options: Record<string, Part[]> }
  | { hash: true }

const rules = new Map<string, Intl.PluralRules>()
const numbers = new Map<string, Intl.NumberFormat>()

/** The parts of a message; throws where braces or options do not fit. */
export function parse(text: string): Part[] {
  let at = 0
  const fail = (why: string): never => {
    throw new SyntaxError(`${why} at ${at} of “${text}”`)
  }
  const space = () => {
    while (/\s/.test(text[at] ?? '')) at += 1
  }
  const word = (): string => {
    space()
    const found = /^[^\s,{}]+/.exec(text.slice(at))?.[0] ?? fail('a name is missing')
    at += found.length
    space()
    return found
  }
  const message = (counted: boolean): Part[] => {
    const parts: Part[] = []
    let plain = ''
    const keep = () => {
      if (plain) parts.push(plain)
      plain = ''
    }
    for (; at < text.length && text[at] !== '}'; at += 1) {
      if (text[at] === '#' && counted) (keep(), parts.push({ hash: true }))
      else if (text[at] === '{') (keep(), parts.push(place(counted)))
      else plain += text[at]
    }
    keep()
    return parts
  }
  const place = (counted: boolean): Part => {
    at += 1
    const name = word()
    if (text[at] === '}') return { place: name, as: 'text' }
    at += 1
    const kind = word()
    if (kind === 'number') {
      if (text[at] === '}') return { place: name, as: 'number' }
      at += 1
      return word() === '::percent' ? { place: name, as: 'percent' } : fail('an unknown way to write a number')
    }
    if (kind !== 'plural' && kind !== 'select') return fail('an unknown kind of place')
    at += 1
    const options: Record<string, Part[]> = {}
    while ((space(), text[at] !== '}')) {
      const option = word()
      if (text[at] !== '{') fail('an option without its text')
      at += 1
      options[option] = message(kind === 'plural' || counted)
      if (text[at] !== '}') fail('a brace is missing')
      at += 1
    }
    if (!options.other) fail('the option “other” is missing')
    return { place: name, as: kind, options }
  }
  const parts = message(false)
  return at < text.length ? fail('a brace too many') : parts
}

/** The message with its places filled, in a language's numbers and plurals; throws where a value is missing. */
export function fill(parts: Part[], values: Values, locale: string, counted = 0): string {
  return parts.map((part) => fillOne(part, values, locale, counted)).join('')
}

function fillOne(part: Part, values: Values, locale: string, counted: number): string {
  if (typeof part === 'string') return part
  if ('hash' in part) return number(counted, locale, false)
  const value = values[part.place]
  if (value === undefined) throw new TypeError(`no value for {${part.place}}`)
  if (part.as === 'text') return String(value)
  if (!('options' in part)) return number(Number(value), locale, part.as === 'percent')
  const other = part.options.other as Part[]
  if (part.as === 'select') return fill(part.options[String(value)] ?? other, values, locale, counted)
  const amount = Number(value)
  return fill(part.options[`=${amount}`] ?? part.options[ruleOf(locale).select(amount)] ?? other, values, locale, amount)
}

function number(value: number, locale: string, percent: boolean): string {
  const key = percent ? `%${locale}` : locale
  let format = numbers.get(key)
  if (!format) numbers.set(key, (format = new Intl.NumberFormat(locale, percent ? { style: 'percent' } : {})))
  return format.format(value)
}

function ruleOf(locale: string): Intl.PluralRules {
  let rule = rules.get(locale)
  if (!rule) rules.set(locale, (rule = new Intl.PluralRules(locale)))
  return rule
}
