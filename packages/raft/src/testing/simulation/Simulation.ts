/**
 * One seed, one cluster, one life: a phase of faults in which only safety is demanded, then everything is healed and the
 * cluster must converge, then the clients' histories are judged.
 */

import type { NodeId } from "../../core/Types.ts"
import { keyValue } from "../checker/KeyValue.ts"
import { checkLinearizability } from "../checker/Linearizability.ts"
import { SeededRandom } from "../SeededRandom.ts"
import { Client } from "./Client.ts"
import type { ClientOptions } from "./Client.ts"
import { Cluster } from "./Cluster.ts"
import { Counters } from "./Counters.ts"
import { EventQueue } from "./EventQueue.ts"
import { LocalClient } from "./LocalClient.ts"
import { Nemesis } from "./Nemesis.ts"
import { SafetyViolation } from "./Oracle.ts"
import { drawProfile } from "./Profile.ts"
import type { Profile } from "./Profile.ts"
import { Trace } from "./Trace.ts"
import { Workload } from "./Workload.ts"

export interface SimulationOptions {
  readonly seed: number
  readonly durationMillis: number
  /** Lines of the trace to keep for the report of a failure; 0 for none. */
  readonly traceLines: number
}

export interface SimulationReport {
  readonly seed: number
  /** Null when every property held. */
  readonly failure: {
    readonly kind: "safety" | "linearizability" | "convergence" | "defect"
    readonly message: string
  } | null
  /** Equal for equal runs. */
  readonly hash: string
  readonly counters: Counters
  readonly simulatedMillis: number
  readonly operations: number
  readonly leaderChanges: number
  readonly events: number
  /** Histories whose check ran out of the work allowed. */
  readonly undecided: number
  readonly trace: ReadonlyArray<string>
}

const convergenceMillisMax = 30_000
const checkerStepsMax = 300_000

export class Simulation {
  private readonly random: SeededRandom
  private readonly queue = new EventQueue()
  private readonly counters = new Counters()
  private readonly trace: Trace
  private readonly profile: Profile
  private readonly cluster: Cluster
  private readonly clients: Array<Client | LocalClient> = []
  private readonly nemesis: Nemesis
  private readonly seed: number

  constructor({ seed, durationMillis, traceLines }: SimulationOptions) {
    this.seed = seed
    this.random = new SeededRandom(seed)
    this.trace = new Trace(traceLines)
    this.profile = drawProfile(this.random, durationMillis)
    const { random, queue, counters, trace, profile } = this
    this.cluster = new Cluster({ random: random.fork(), queue, counters, trace, profile })
    const anywhere = (): ReadonlyArray<NodeId> => this.cluster.reachable()
    for (let i = 1; i <= profile.clients; i++) {
      this.clients.push(i === 2 ? this.makeLocalClient(`c${i}`) : this.makeClient(`c${i}`, anywhere))
    }
    this.nemesis = new Nemesis(random.fork(), queue, counters, profile, this.cluster.faults)
  }

  run(): SimulationReport {
    let failure: SimulationReport["failure"] = null
    let undecided = 0
    try {
      this.disturb()
      failure = this.converge()
      if (failure === null) {
        const verdict = checkLinearizability(keyValue, this.history(), checkerStepsMax)
        if (verdict._tag === "Undecided") undecided = 1
        if (verdict._tag === "Violation") {
          const show = (value: unknown): string => JSON.stringify(value)
          const message = `key ${verdict.key}: nothing explains one of ${verdict.stuckAt.map(show).join(", ")} after ${verdict.explained.slice(-5).map(show).join(", ")}`
          failure = { kind: "linearizability", message }
        }
      }
    } catch (error) {
      const kind = error instanceof SafetyViolation ? "safety" : "defect"
      failure = { kind, message: error instanceof Error ? `${error.message}\n${error.stack}` : String(error) }
    }
    return this.report(failure, undecided)
  }

  private disturb(): void {
    this.cluster.start()
    for (const client of this.clients) client.start()
    this.nemesis.start()
    this.queue.runUntil(this.profile.durationMillis)
  }

  /** After the last fault the members that are left must agree on one leader and one state, and serve again. */
  private converge(): SimulationReport["failure"] {
    this.nemesis.stop()
    for (const client of this.clients) client.stop()
    this.cluster.heal()
    const probe = this.makeClient("probe", () => this.cluster.current(), { thinkMillisMax: 50, operationsMax: 1 })
    this.clients.push(probe)
    probe.start()
    const deadline = this.queue.nowMillis + convergenceMillisMax
    const answered = (): boolean => probe.history.filter(({ output }) => output !== undefined).length >= 3
    let problem: string | null = "it was not looked at"
    while (this.queue.nowMillis < deadline) {
      this.queue.runUntil(this.queue.nowMillis + 250)
      problem = answered() ? this.cluster.disagreement() : "the cluster does not serve"
      if (problem === null) break
      if (answered()) probe.stop()
    }
    probe.stop()
    if (problem === null) return null
    return {
      kind: "convergence",
      message: `${problem}, ${convergenceMillisMax / 1000} s after the last fault\n${this.cluster.describe().join("\n")}`
    }
  }

  private makeClient(name: string, nodes: () => ReadonlyArray<NodeId>, settings: Partial<ClientOptions> = {}): Client {
    return new Client(
      { ...this.clientOptions(name), ...settings },
      {
        ...this.clientWorld(),
        nodes,
        ask: (node, call, reply) => this.cluster.ask(node, call, reply)
      }
    )
  }

  private makeLocalClient(name: string): LocalClient {
    return new LocalClient(this.clientOptions(name), { ...this.clientWorld(), nodes: () => this.cluster.awake() })
  }

  private clientOptions(name: string): ClientOptions {
    const { keys, thinkMillisMax, operationsMax } = this.profile
    return {
      name,
      workload: new Workload(name, keys),
      thinkMillisMax,
      timeoutMillis: 1200,
      attemptsMax: 5,
      operationsMax
    }
  }

  private clientWorld() {
    const { queue, counters, random, cluster } = this
    return { queue, counters, random: random.fork(), refused: (write: string) => cluster.oracle.refuses(write) }
  }

  private history() {
    return this.clients.flatMap((client) => client.history)
  }

  private report(failure: SimulationReport["failure"], undecided: number): SimulationReport {
    if (failure !== null) this.trace.add(failure.message)
    this.cluster.finish()
    return {
      seed: this.seed,
      failure,
      hash: this.trace.hash(),
      counters: this.counters,
      simulatedMillis: this.queue.nowMillis,
      operations: this.history().filter(({ output }) => output !== undefined).length,
      leaderChanges: this.cluster.oracle.leaderChanges,
      events: this.queue.count,
      undecided,
      trace: this.trace.tail()
    }
  }
}

export const simulate = (options: SimulationOptions): SimulationReport => new Simulation(options).run()
