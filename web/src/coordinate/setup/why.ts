// A line of the check list in the reader's language.
import { answerName, said, t, type Key, type Named } from '../../i18n'
import { language } from '../../language.svelte'
import type { CheckItem } from './calls'

const list = (names: string[]) => new Intl.ListFormat(language.locale, { type: 'unit' }).format(names)
export const nameOf = (item: CheckItem) => t(`setup.check_${item.key}` as Key)

/** Texts that languages lack, as `fr/introduction`: each language once, with the names of its texts. */
function lackingOf(names: string[]): string {
  const languages = new Intl.DisplayNames(language.locale, { type: 'language' })
  const lacking = new Map<string, string[]>()
  for (const [code = '', text = ''] of names.map((name) => name.split('/'))) lacking.set(code, [...(lacking.get(code) ?? []), wordOf(text)])
  return [...lacking].map(([code, texts]) => `${languages.of(code) ?? code} (${list(texts)})`).join(', ')
}
const wordOf = (text: string) => t((text === 'introduction' ? 'setup.introduction' : `setup.check_${text}`) as Key)

/** The names in a reason as people read them: codes of languages and keys of answers have names of their own. */
function namesOf({ reason, names }: CheckItem, scale: Named): string {
  if (reason === 'languages_lack') return lackingOf(names)
  return list(reason.endsWith('_lacks') ? names.map((key) => answerName(key, scale)) : names)
}

/** Why it stands so; `null` where these pages have no words for the reason yet. */
export const whyOf = (item: CheckItem, scale: Named) => said('check', item.reason, { ...item.figures, names: namesOf(item, scale) })
