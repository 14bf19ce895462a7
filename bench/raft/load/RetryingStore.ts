/**
 * A client that does not give up, for systems whose own client is not part of the benchmark: when an attempt fails, or
 * says nothing for a while, the next member is asked. The first acknowledgement of any attempt counts.
 */
import type { Done, Store } from "./Store.ts"

export interface RetryPolicy {
  /** After so long without an answer the next member is asked as well. */
  readonly attemptMillis: number
  /** Between a failure and the next attempt. */
  readonly pauseMillis: number
  readonly deadlineMillis: number
}

type Attempt = (store: Store, done: Done) => void

export class RetryingStore implements Store {
  private readonly stores: ReadonlyArray<Store>
  private readonly policy: RetryPolicy
  /** Where the last acknowledgement came from. */
  private preferred = 0

  constructor(stores: ReadonlyArray<Store>, policy: RetryPolicy) {
    this.stores = stores
    this.policy = policy
  }

  put(key: string, value: Uint8Array, done: Done): void {
    this.persist((store, attempted) => store.put(key, value, attempted), done)
  }

  get(key: string, done: Done): void {
    this.persist((store, attempted) => store.get(key, attempted), done)
  }

  close(): void {
    for (const store of this.stores) store.close()
  }

  private persist(attempt: Attempt, done: Done): void {
    const { attemptMillis, deadlineMillis, pauseMillis } = this.policy
    const deadline = performance.now() + deadlineMillis
    let isOver = false
    let timer: NodeJS.Timeout | null = null
    const schedule = (member: number, millis: number): void => {
      if (timer !== null) clearTimeout(timer)
      timer = setTimeout(() => ask(member), millis)
    }
    const end = (failure: string | null): void => {
      isOver = true
      if (timer !== null) clearTimeout(timer)
      done(failure)
    }
    const ask = (member: number): void => {
      const next = (member + 1) % this.stores.length
      schedule(next, attemptMillis)
      attempt(this.stores[member]!, (failure) => {
        if (isOver) return
        if (failure === null) {
          this.preferred = member
          end(null)
        } else if (performance.now() > deadline) end(failure)
        else schedule(next, pauseMillis)
      })
    }
    ask(this.preferred)
  }
}
