// What must stand beside the map wherever it goes: the filter in words, the credits, the licence, when it was counted.
import { captured, dayInWords, probability } from '../format'
import { answerName, t, tOf } from '../i18n'
import type { View } from './view.svelte'

export function factsOf(view: Pick<View, 'campaign' | 'question' | 'counts'>): string[] {
  const { campaign, question, counts } = view
  const [from, to] = (question.when ?? []).map((id) => campaign.scenes.find((scene) => scene.id === id))
  const filter = [
    question.classes.length > 0 && question.classes.map((key) => answerName(key, campaign.scale)).join(', '),
    question.states.length > 0 && question.states.map((state) => tOf('tile_state', state)).join(', '),
    question.least > 0 && `${t('results.min')}: ${probability(question.least / 100)}`,
    from && to && t('results.when_chosen', { from: captured(from.captured_from, from.captured_to), to: captured(to.captured_from, to.captured_to) }),
    question.inView && t('results.in_view'),
  ].filter(Boolean)
  const credits = [...new Set(campaign.scenes.map((scene) => scene.attribution).filter(Boolean))].join(' · ')
  return [
    filter.length > 0 && t('results.filtered_by', { filter: filter.join(' · ') }),
    t('results.counted_on', { date: dayInWords(counts.as_of) }),
    campaign.synthetic && t('campaign.synthetic'),
    credits && t('results.credits', { credits }),
    campaign.licence && t('campaign.licence', { licence: campaign.licence }),
  ].filter((fact): fact is string => Boolean(fact))
}
