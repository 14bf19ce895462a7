/**
 * Threads that read the store's file. SQLite cannot be stopped in the middle of a question, so a thread whose asker has gone is
 * given up and another one starts; those that still compute are counted, and too many of them hold up new questions.
 */
import { Worker } from "node:worker_threads"
import { Limits } from "../../Limits.ts"
import { type SqlRow, type SqlValue, TelemetryQueryFailed } from "../TelemetrySql.ts"

const { telemetry: limits } = Limits

export interface ReaderQuestion {
  readonly sql: string
  readonly parameters: ReadonlyArray<SqlValue>
  readonly rowsMax: number
}

export type ReaderAnswer = { readonly rows: ReadonlyArray<SqlRow> } | { readonly failure: string }

interface Asked {
  readonly question: ReaderQuestion
  readonly resolve: (rows: ReadonlyArray<SqlRow>) => void
  readonly reject: (cause: TelemetryQueryFailed) => void
}

interface Reader {
  readonly worker: Worker
  asked: Asked | null
}

const unavailable = (message: string) => new TelemetryQueryFailed({ reason: "Unavailable", message })

export class SqliteReaders {
  private readonly file: string
  private readonly readers = new Set<Reader>()
  private readonly waiting: Array<Asked> = []
  private stopping = 0

  constructor(file: string) {
    this.file = file
  }

  /** Rejects with a `TelemetryQueryFailed`. Who aborts is answered nothing. */
  ask(question: ReaderQuestion, signal: AbortSignal): Promise<ReadonlyArray<SqlRow>> {
    if (this.waiting.length >= limits.queriesWaitingMax) {
      return Promise.reject(unavailable("too many questions wait already: ask again in a moment"))
    }
    return new Promise((resolve, reject) => {
      const asked: Asked = { question, resolve, reject }
      signal.addEventListener("abort", () => this.giveUp(asked), { once: true })
      this.waiting.push(asked)
      this.next()
    })
  }

  async close(): Promise<void> {
    for (const { reject } of this.waiting.splice(0)) reject(unavailable("this master stops"))
    const readers = [...this.readers]
    this.readers.clear()
    await Promise.all(readers.map(({ worker }) => worker.terminate()))
  }

  private next(): void {
    const asked = this.waiting[0]
    if (asked === undefined) return
    const reader = [...this.readers].find((one) => one.asked === null) ?? this.start()
    if (reader === null) return
    this.waiting.shift()
    reader.asked = asked
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    reader.worker.postMessage(asked.question)
  }

  private start(): Reader | null {
    if (this.readers.size >= limits.readersMax || this.stopping >= limits.readersStoppingMax) return null
    const worker = new Worker(new URL("./SqliteReaderWorker.ts", import.meta.url), { workerData: this.file })
    worker.unref()
    const reader: Reader = { worker, asked: null }
    worker.on("message", (answer: ReaderAnswer) => this.answered(reader, answer))
    worker.once("error", (cause) => this.died(reader, cause.message))
    worker.once("exit", () => this.died(reader, "its thread ended"))
    this.readers.add(reader)
    return reader
  }

  private answered(reader: Reader, answer: ReaderAnswer): void {
    const { asked } = reader
    reader.asked = null
    if ("rows" in answer) asked?.resolve(answer.rows)
    else asked?.reject(new TelemetryQueryFailed({ reason: "Refused", message: answer.failure }))
    this.next()
  }

  private giveUp(asked: Asked): void {
    const place = this.waiting.indexOf(asked)
    if (place >= 0) this.waiting.splice(place, 1)
    const reader = [...this.readers].find((one) => one.asked === asked)
    if (reader === undefined) return
    this.readers.delete(reader)
    this.stopping += 1
    void reader.worker.terminate().then(() => {
      this.stopping -= 1
      this.next()
    })
    this.next()
  }

  private died(reader: Reader, why: string): void {
    if (!this.readers.delete(reader)) return
    reader.asked?.reject(unavailable(`the store cannot be read: ${why}`))
    this.next()
  }
}
