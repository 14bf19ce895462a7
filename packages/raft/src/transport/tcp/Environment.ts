/** Time and chance of the transport, so that tests own them. */
import { randomInt } from "node:crypto"

export interface Environment {
  /** Runs `action` once, after so long, unless the function that it returns was called before. */
  readonly after: (millis: number, action: () => void) => () => void
  /** In [0, 1). */
  readonly random: () => number
}

/** The machine's own. A timer keeps no process alive: sockets do. */
export const systemEnvironment: Environment = {
  after: (millis, action) => {
    const timer = setTimeout(action, millis).unref()
    return () => clearTimeout(timer)
  },
  random: () => randomInt(2 ** 32) / 2 ** 32
}
