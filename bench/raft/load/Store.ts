/** What the load generator asks of a system under test. Callbacks: ten thousand promises a second would be load of its own. */

/** `null`: it is acknowledged. */
export type Done = (failure: string | null) => void

export interface Store {
  /** Acknowledged once it is committed and applied. */
  readonly put: (key: string, value: Uint8Array, done: Done) => void
  /** A linearizable read. A key that has no value is a failure. */
  readonly get: (key: string, done: Done) => void
  readonly close: () => void
}
