// A date window as a sentence.
import type { Scene, Window } from '../api'
import { dayInWords } from '../format'
import { t } from '../i18n'
import { wordsOf } from './timeline.svelte'

export function windowWords(window: Window | null | undefined, scenes: Scene[]): string {
  const { text, from, to } = wordsOf(window, (id) => {
    const scene = scenes.find((one) => one.id === id)
    return scene && { from: scene.captured_from, to: scene.captured_to }
  })
  if (text === 'between') return t('window.between', { from: dayInWords(from), to: dayInWords(to) })
  if (text === 'before') return t('window.before', { to: dayInWords(to) })
  if (text === 'intact') return t('window.intact', { from: dayInWords(from) })
  return t('window.unknown')
}
