/** Clients of the API while the nemesis is at work: registers that are read and written, and workspaces that are created exactly once. */
import type { KeyValueInput, KeyValueOutput } from "@nxmesh/raft/testing/checker/KeyValue"
import { SeededRandom } from "@nxmesh/raft/testing/SeededRandom"
import { Effect } from "effect"
import { HistoryRecorder } from "../support/History.ts"
import type { OperationCounts } from "./Judgement.ts"
import { read, swap, write } from "./Registers.ts"
import type { Seen } from "./Registers.ts"
import { ask, isRefusal } from "./Requests.ts"

export interface WorkloadOptions {
  readonly seed: number
  readonly clients: number
  /** Between two requests of one client. */
  readonly thinkMillis: number
  readonly organizationId: string
  /** Registers in use at this moment. */
  readonly keys: () => ReadonlyArray<string>
  readonly origins: () => ReadonlyArray<string>
  readonly token: () => string
  /** A token was refused: it ran out, or a clock is off. */
  readonly renewToken: Effect.Effect<void>
  /** Even while all is well; each change of it is the begin or the end of a fault. */
  readonly phase: () => number
}

/** After so long a client gives up on an answer, and the write stays open. */
const timeoutMillis = 3_000
const readPercent = 50
const swapPercent = 15

type Mutable<A> = { -readonly [K in keyof A]: A[K] }
const none = (): Mutable<OperationCounts> => ({ answered: 0, refused: 0, unknown: 0 })

export class Workload {
  readonly recorder = new HistoryRecorder<KeyValueInput, KeyValueOutput>()
  readonly calm = none()
  readonly faulty = none()
  /** Slugs of workspaces whose creation was acknowledged. */
  readonly created = new Set<string>()
  readonly problems: Array<string> = []
  private readonly options: WorkloadOptions
  private isOver = false

  constructor(options: WorkloadOptions) {
    this.options = options
  }

  /** Runs until `stop`; each client ends after the request it is in. */
  get run(): Effect.Effect<void> {
    const random = new SeededRandom(this.options.seed)
    const clients = Array.from({ length: this.options.clients }, (_, at) => this.client(`c${at + 1}`, random.fork()))
    return Effect.all([...clients, this.creator(random.fork())], { concurrency: "unbounded", discard: true })
  }

  stop(): void {
    this.isOver = true
  }

  private client(client: string, random: SeededRandom): Effect.Effect<void> {
    const { keys, origins, phase, renewToken, thinkMillis, token } = this.options
    /** What this client saw last, by register. */
    const known = new Map<string, Seen>()
    let written = 0
    const turn = () => {
      const key = random.pick(keys())
      const request = { origin: random.pick(origins()), token: token(), client, key, timeoutMillis }
      const expected = known.get(key)
      if (random.chance(readPercent)) return { key, asked: read(this.recorder, request) }
      const value = `${client}-${++written}`
      const conditional = expected !== undefined && random.chance((swapPercent * 100) / (100 - readPercent))
      const { recorder } = this
      return { key, asked: conditional ? swap(recorder, request, expected, value) : write(recorder, request, value) }
    }
    const step = Effect.gen({ self: this }, function* () {
      const began = phase()
      const { asked, key } = turn()
      const { ending, seen, status } = yield* Effect.promise(() => asked)
      if (seen !== null) known.set(key, seen)
      const counts = began % 2 === 0 && phase() === began ? this.calm : this.faulty
      counts[ending.kind] += 1
      if (status === 401) yield* renewToken
      yield* Effect.sleep(thinkMillis)
    })
    return this.whileOpen(step)
  }

  /**
   * Creates one workspace after the other and never gives up on one: an open outcome is asked again elsewhere, with the same
   * idempotency key. It must come to be exactly once.
   */
  private creator(random: SeededRandom): Effect.Effect<void> {
    const { organizationId, origins, renewToken, token } = this.options
    let number = 0
    let slug = ""
    let attempts = 0
    const step = Effect.gen({ self: this }, function* () {
      if (attempts === 0) slug = `made-${++number}`
      attempts += 1
      const told = yield* Effect.promise(() =>
        ask({
          method: "POST",
          url: `${random.pick(origins())}/api/v1/workspaces`,
          token: token(),
          body: { organization_id: organizationId, name: slug, slug },
          headers: { "idempotency-key": slug },
          timeoutMillis
        })
      )
      const status = told.kind === "told" ? told.status : null
      if (status === 201) {
        this.created.add(slug)
        attempts = 0
      } else if (status === 401) yield* renewToken
      else if (told.kind === "told" && isRefusal(told.status) && told.status !== 503 && told.status !== 429) {
        const text = JSON.stringify(told.body)
        this.problems.push(`attempt ${attempts} to create ${slug} was refused for good: ${status} ${text}`)
        attempts = 0
      }
      yield* Effect.sleep(this.options.thinkMillis)
    })
    return this.whileOpen(step)
  }

  private whileOpen(step: Effect.Effect<void>): Effect.Effect<void> {
    return Effect.suspend(() => (this.isOver ? Effect.void : Effect.andThen(step, this.whileOpen(step))))
  }
}
