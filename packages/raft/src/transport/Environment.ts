/** Time and chance of the transport and of clients, so that tests own them. */
import { randomInt } from "node:crypto"

export interface Environment {
  /** Runs `action` once, after so long, unless the function that it returns was called before. */
  readonly after: (millis: number, action: () => void) => () => void
  /** Of a clock that never goes back. */
  readonly nowMillis: () => number
  /** In [0, 1). */
  readonly random: () => number
}

/** The machine's own. */
export const systemEnvironment: Environment = {
  after: (millis, action) => {
    const timer = setTimeout(action, millis)
    return () => clearTimeout(timer)
  },
  nowMillis: () => performance.now(),
  random: () => randomInt(2 ** 32) / 2 ** 32
}
