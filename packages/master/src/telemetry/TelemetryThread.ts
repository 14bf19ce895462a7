/** Asks the thread of the store. The thread starts with the first question, and again after it died. */
import type { Worker } from "node:worker_threads"
import { Limits } from "../Limits.ts"
import type { Answered, Numbered, RequestOf, TelemetryAnswers, TelemetryRequest } from "./TelemetryMessage.ts"

interface Asker {
  readonly resolve: (answer: never) => void
  readonly reject: (cause: Error) => void
}

export class TelemetryThread {
  private readonly make: () => Worker
  private readonly asked = new Map<number, Asker>()
  private worker: Worker | null = null
  private lastId = 0
  private diedAtMillis = Number.NEGATIVE_INFINITY
  private death = ""

  /** `make` starts the thread, which answers every `Numbered` with an `Answered`. */
  constructor(make: () => Worker) {
    this.make = make
  }

  /** Rejects with what an operator should know. A thread that died is not started again at once. */
  ask<Tag extends TelemetryRequest["_tag"]>(
    request: RequestOf<Tag>,
    nowMillis: number
  ): Promise<TelemetryAnswers[Tag]> {
    if (this.worker === null && Math.abs(nowMillis - this.diedAtMillis) < Limits.telemetry.threadRestartMillis) {
      return Promise.reject(new Error(this.death))
    }
    const worker = (this.worker ??= this.start(nowMillis))
    const id = ++this.lastId
    return new Promise((resolve, reject) => {
      this.asked.set(id, { resolve, reject })
      const message: Numbered = { id, request }
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      worker.postMessage(message)
    })
  }

  /** Once nothing more is asked. What was asked before is carried out. */
  async close(nowMillis: number): Promise<void> {
    const { worker } = this
    if (worker === null) return
    await this.ask<"Close">({ _tag: "Close" }, nowMillis).catch(() => null)
    this.worker = null
    await worker.terminate()
  }

  private start(nowMillis: number): Worker {
    const worker = this.make()
    worker.unref()
    worker.on("message", (message: Answered) => this.answered(message))
    worker.once("error", (cause) => this.died(worker, `its thread failed: ${cause.message}`, nowMillis))
    worker.once("exit", () => this.died(worker, "its thread ended", nowMillis))
    return worker
  }

  private answered(message: Answered): void {
    const asker = this.asked.get(message.id)
    this.asked.delete(message.id)
    if ("failure" in message) asker?.reject(new Error(message.failure))
    else asker?.resolve(message.answer as never)
  }

  private died(worker: Worker, why: string, startedAtMillis: number): void {
    if (this.worker !== worker) return
    this.worker = null
    this.death = why
    this.diedAtMillis = startedAtMillis
    for (const { reject } of this.asked.values()) reject(new Error(why))
    this.asked.clear()
  }
}
