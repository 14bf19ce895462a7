/**
 * The host's side of a node: owns the state machine, applies what is committed, answers whoever waits in this thread. As
 * Replica.ts, it knows no thread and no clock.
 *
 * Everything of the state machine happens here, one thing after the other, except that snapshots are made while entries
 * are applied. After its first failure nothing happens any more.
 */
import { Exit } from "effect"
import type { Effect } from "effect"
import type { Entry, Index, NodeId, Snapshot } from "../core/Types.ts"
import { Limits } from "../Limits.ts"
import { BatchPlan } from "./host/BatchPlan.ts"
import { Requests } from "./host/Requests.ts"
import type { Proposed, Reply } from "./host/Requests.ts"
import { SnapshotPull } from "./host/SnapshotPull.ts"
import { SnapshotSource } from "./host/SnapshotSource.ts"
import { failureText, StateMachineFailed } from "./host/StateMachineFailed.ts"
import { WaitingForApplied } from "./host/WaitingForApplied.ts"
import type { CallId, HostMessage, HostRequest, Outcome, Rejection, RequestId, Waiter } from "./HostMessage.ts"
import { Sessions } from "./Sessions.ts"
import type { SessionLimits } from "./Sessions.ts"
import type { StateMachine } from "./StateMachine.ts"
import type { ReplicaStatus, Status } from "./Status.ts"

export interface HostPorts {
  /** To the Raft thread. */
  readonly tell: (message: HostMessage) => void
  /** Runs an effect of the state machine; `done` is not called any more when the node has stopped. */
  readonly run: <A>(effect: Effect.Effect<A, unknown>, done: (exit: Exit.Exit<A, unknown>) => void) => void
  readonly status: (status: Status) => void
  /** The node cannot go on; called once. The process has to end. */
  readonly stopped: (failure: Error) => void
}

export type { Proposed, Reply }

export interface MemberChange {
  readonly voters: ReadonlyArray<NodeId>
  readonly learners: ReadonlyArray<NodeId>
  /** Index of the configuration that it replaces; `null`: whatever is in effect. */
  readonly expectedIndex: Index | null
}

export class Host {
  private readonly machine: StateMachine
  private readonly ports: HostPorts
  private readonly limits: SessionLimits
  private readonly requests = new Requests()
  private readonly waiting = new WaitingForApplied()
  private readonly source: SnapshotSource
  private sessions: Sessions
  private last: Index
  private undecodable = 0
  private pull: SnapshotPull | null = null
  private isStopped = false

  /** Throws what the state machine throws when it loads. `limits` are the same on every node. */
  constructor(machine: StateMachine, ports: HostPorts, limits: SessionLimits = Limits.sessions) {
    this.machine = machine
    this.ports = ports
    this.limits = limits
    this.source = new SnapshotSource(machine, ports)
    const { applied, sessions } = machine.load()
    this.last = applied
    this.sessions = new Sessions(sessions, this.limits)
  }

  get applied(): Index {
    return this.last
  }

  /** What the Raft thread knows, with what only this one knows. */
  statusOf(status: ReplicaStatus): Status {
    return { ...status, undecodable: this.undecodable }
  }

  /** Executed once, whatever happens to leaders, unless the outcome is `Unknown`. */
  propose(data: Uint8Array, timeoutMillis: number, reply: Reply<Proposed>): void {
    const request = this.requests.add({ kind: "propose", reply })
    if (request !== null) this.ports.tell({ kind: "propose", request, data, timeoutMillis })
  }

  /** After `Done` the state machine has applied all that was committed when this was called (thesis 6.4). */
  read(timeoutMillis: number, reply: Reply<Index>): void {
    const request = this.requests.add({ kind: "read", reply })
    if (request !== null) this.ports.tell({ kind: "read", request, timeoutMillis })
  }

  /** `Done` with the index of the new configuration. */
  changeMembers(change: MemberChange, timeoutMillis: number, reply: Reply<Index>): void {
    const request = this.requests.add({ kind: "changeMembers", reply })
    if (request !== null) this.ports.tell({ kind: "changeMembers", request, ...change, timeoutMillis })
  }

  transferLeadership(to: NodeId): void {
    if (!this.isStopped) this.ports.tell({ kind: "transferLeadership", to })
  }

  hear(request: HostRequest): void {
    if (this.isStopped) return
    switch (request.kind) {
      case "apply":
        return this.attempt("apply", () => this.apply(request.entries, request.waiters))
      case "failed":
        return this.requests.failed(request.request, request.failure)
      case "read":
        return this.whenApplied(request.index, () => this.requests.done(request.request, this.last))
      case "changed":
        return this.requests.done(request.request, request.accepted.last)
      case "query":
        return this.whenApplied(request.index, () => this.answer(request.questions))
      case "takeSnapshot":
        return this.source.take()
      case "snapshotWanted":
        return this.source.give(request.offset, request.bytesMax)
      case "install":
        return this.install(request.snapshot)
      case "snapshotData":
        return this.pull?.hear(request.data)
      case "ping":
        return this.ports.tell({ kind: "pong", number: request.number })
      case "status":
        return this.ports.status(this.statusOf(request.status))
      case "stopped":
        return this.stop(request.failure)
    }
  }

  private apply(entries: ReadonlyArray<Entry>, waiters: ReadonlyArray<Waiter>): void {
    const newest = entries.at(-1)
    if (newest === undefined) return
    if (this.pull !== null) throw new Error(`entry ${newest.index} came while a snapshot was being installed`)
    if (entries[0]?.index !== this.last + 1 || newest.index !== this.last + entries.length) {
      throw new Error(`entries ${entries[0]?.index} to ${newest.index} do not follow entry ${this.last}`)
    }
    const plan = new BatchPlan(this.sessions, entries)
    const results = this.execute(plan, { index: newest.index, term: newest.term })
    this.last = newest.index
    this.undecodable += plan.undecodable
    this.tellOutcomes(waiters, (index) => plan.outcome(index, results))
    this.waiting.release(this.last)
  }

  /** The results, once all of it is stored; and sessions as they are afterwards. */
  private execute({ commands }: BatchPlan, last: { readonly index: Index; readonly term: number }) {
    let settled = 0
    const results = this.machine.apply({
      commands,
      last,
      sessionChanges: (all) => {
        settled += 1
        if (all.length !== commands.length) {
          throw new Error(`the state machine has ${all.length} results of ${commands.length} commands`)
        }
        return this.sessions.settle(all)
      }
    })
    if (settled !== 1) throw new Error(`the state machine took the changes of sessions ${settled} times`)
    if (results.length !== commands.length) {
      throw new Error(`the state machine returned ${results.length} results of ${commands.length} commands`)
    }
    return results
  }

  /** Results to the fibers of this thread; everything else back to the Raft thread, which knows who waits and how often it asked. */
  private tellOutcomes(waiters: ReadonlyArray<Waiter>, outcomeOf: (index: Index) => Outcome): void {
    const outcomes: Array<{ readonly call: CallId; readonly outcome: Outcome }> = []
    const rejected: Array<{ readonly request: RequestId; readonly outcome: Rejection }> = []
    const replies: Array<readonly [RequestId, Proposed]> = []
    for (const { id, index, to } of waiters) {
      const outcome = outcomeOf(index)
      if (to === "call") outcomes.push({ call: id, outcome })
      else if (outcome._tag === "Applied") replies.push([id, outcome])
      else rejected.push({ request: id, outcome })
    }
    this.ports.tell({ kind: "applied", index: this.last, outcomes, rejected })
    for (const [request, { index, result }] of replies) this.requests.proposed(request, { index, result })
  }

  /** While a snapshot takes the place of the state, there is no state to read. */
  private whenApplied(index: Index, action: () => void): void {
    if (this.pull === null && index <= this.last) action()
    else this.waiting.add(index, action)
  }

  private answer(questions: ReadonlyArray<{ readonly call: CallId; readonly data: Uint8Array }>): void {
    this.attempt("query", () => {
      const answers = questions.map(({ call, data }) => ({ call, index: this.last, data: this.machine.query(data) }))
      this.ports.tell({ kind: "answers", answers })
    })
  }

  private install(snapshot: Snapshot): void {
    this.source.end()
    const pull = new SnapshotPull(snapshot, this.ports.tell)
    this.pull = pull
    this.ports.run(this.machine.restore(pull.image), (exit) => {
      // Interrupted: the node is being closed, and nobody is to hear of it.
      if (this.isStopped || Exit.hasInterrupts(exit)) return
      if (Exit.isFailure(exit)) this.fail("restore", failureText(exit.cause))
      else this.attempt("load", () => this.installed(snapshot.metadata.index))
    })
  }

  private installed(index: Index): void {
    const { applied, sessions } = this.machine.load()
    if (applied !== index) throw new Error(`its state ends with entry ${applied}, that of the snapshot with ${index}`)
    this.sessions = new Sessions(sessions, this.limits)
    this.last = index
    this.pull = null
    this.ports.tell({ kind: "installed", index })
    this.waiting.release(index)
  }

  private attempt(operation: StateMachineFailed["operation"], action: () => void): void {
    try {
      action()
    } catch (cause) {
      this.fail(operation, cause)
    }
  }

  private fail(operation: StateMachineFailed["operation"], cause: unknown): void {
    if (this.isStopped) return
    const failure = new StateMachineFailed({ operation, applied: this.last, cause })
    this.ports.tell({ kind: "hostFailed", message: failure.message })
    this.stop(failure)
  }

  private stop(failure: Error): void {
    this.isStopped = true
    this.source.end()
    this.waiting.clear()
    this.requests.stop()
    this.ports.stopped(failure)
  }
}
