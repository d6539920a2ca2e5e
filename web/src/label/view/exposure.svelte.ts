// How images look to this reader: brightness, contrast, without colour, dimmed. Kept on the device, so that it stays on.
import { keep, kept } from '../../kept'

export interface Settings {
  /** In per cent of the image as it is. */
  brightness: number
  contrast: number
  grey: boolean
  dim: boolean
}
const PLAIN: Settings = { brightness: 100, contrast: 100, grey: false, dim: false }
export const RANGE = { min: 50, max: 200, step: 10 }
const DIMMED = 0.55

const within = (value: unknown) => (typeof value === 'number' && value >= RANGE.min && value <= RANGE.max ? value : 100)

function read(): Settings {
  try {
    const { brightness, contrast, grey, dim } = JSON.parse(kept.get('exposure') ?? '{}') as Partial<Settings>
    return { brightness: within(brightness), contrast: within(contrast), grey: grey === true, dim: dim === true }
  } catch {
    return PLAIN
  }
}

class Exposure {
  settings = $state.raw<Settings>(read())
  changed = $derived(Object.entries(PLAIN).some(([key, value]) => this.settings[key as keyof Settings] !== value))
  /** The same as a CSS filter, which every browser draws without WebGL. */
  filter = $derived.by(() => {
    const { brightness, contrast, grey, dim } = this.settings
    const light = (brightness / 100) * (dim ? DIMMED : 1)
    return this.changed ? `brightness(${light}) contrast(${contrast / 100}) grayscale(${grey ? 1 : 0})` : 'none'
  })

  set(change: Partial<Settings>): void {
    this.settings = { ...this.settings, ...change }
    keep('exposure', JSON.stringify(this.settings))
  }
  reset(): void {
    this.set(PLAIN)
  }
}
export const exposure = new Exposure()
