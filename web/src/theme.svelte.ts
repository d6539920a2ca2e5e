// The theme switch: as the system says, or light or dark by choice. theme.js sets it before the first paint.

export type Choice = 'auto' | 'light' | 'dark'
const ORDER: Choice[] = ['auto', 'light', 'dark']

class Theme {
  choice = $state<Choice>((document.documentElement.dataset.theme as Choice | undefined) ?? 'auto')
  #systemDark = $state(matchMedia('(prefers-color-scheme: dark)').matches)

  constructor() {
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', (event) => (this.#systemDark = event.matches))
  }

  /** What is on screen now. */
  get shown(): 'light' | 'dark' {
    return this.choice === 'auto' ? (this.#systemDark ? 'dark' : 'light') : this.choice
  }

  next(): void {
    this.choice = ORDER[(ORDER.indexOf(this.choice) + 1) % ORDER.length] ?? 'auto'
    if (this.choice === 'auto') delete document.documentElement.dataset.theme
    else document.documentElement.dataset.theme = this.choice
    try {
      localStorage.setItem('theme', this.choice)
    } catch {
      // The choice then lasts until the page is closed.
    }
  }
}
export const theme = new Theme()
