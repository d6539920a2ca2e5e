// The words of each step.
import type { Key } from '../../i18n'
import type { Step, StepState } from './setup.svelte'

export const STEP_TEXTS: Record<Step, { title: Key; lead: Key }> = {
  texts: { title: 'setup.texts', lead: 'setup.texts_lead' },
  images: { title: 'setup.images', lead: 'setup.images_lead' },
  places: { title: 'setup.places', lead: 'setup.places_lead' },
  policy: { title: 'setup.policy', lead: 'setup.policy_lead' },
  training: { title: 'setup.training', lead: 'setup.training_lead' },
  care: { title: 'setup.care', lead: 'setup.care_lead' },
  access: { title: 'setup.access', lead: 'setup.access_lead' },
  open: { title: 'setup.open', lead: 'setup.open_lead' },
}

export const STATE_TEXTS: Record<StepState, Key> = {
  done: 'setup.state_done',
  warning: 'setup.state_warning',
  blocking: 'setup.state_blocking',
  optional: 'setup.state_optional',
}
