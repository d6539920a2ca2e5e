// The question for the password that the server wants once more: asked by the client in the middle of any call, shown by one window.
import { onPasswordNeeded } from '../client'

class Proof {
  /** Whether somebody waits for the answer. */
  asking = $state(false)
  #waiting: Promise<boolean> | null = null
  #answer: (proven: boolean) => void = () => undefined

  /** Opens the window; calls that come meanwhile wait for the same answer. True when the password was right. */
  ask = (): Promise<boolean> => {
    this.#waiting ??= new Promise<boolean>((resolve) => {
      this.#answer = resolve
      this.asking = true
    }).finally(() => (this.#waiting = null))
    return this.#waiting
  }

  answer(proven: boolean): void {
    this.asking = false
    this.#answer(proven)
  }
}

export const proof = new Proof()
onPasswordNeeded(proof.ask)
