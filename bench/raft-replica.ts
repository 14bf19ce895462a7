/**
 * What a node costs around the core: three replicas in one thread, disk, network and state machine instant. 256-byte
 * commands from clients with one outstanding each; printed are commands per second of processor time, for calls that come
 * over the network to the leader, to a follower, and for proposals of the leader's own host.
 *
 *   npm run bench raft-replica -- --seconds 2
 */
import { performance } from "node:perf_hooks"
import type { Message } from "../packages/raft/src/core/Message.ts"
import { initialHardState } from "../packages/raft/src/core/State.ts"
import type { NodeId } from "../packages/raft/src/core/Types.ts"
import type { HostMessage, HostRequest, Waiter } from "../packages/raft/src/node/HostMessage.ts"
import { defaultNodeOptions } from "../packages/raft/src/node/NodeOptions.ts"
import type { NodeStorage } from "../packages/raft/src/node/NodeStorage.ts"
import { Replica } from "../packages/raft/src/node/Replica.ts"
import { benchOptions } from "./raft/BenchOptions.ts"
import { table } from "./Statistics.ts"

const values = benchOptions({
  seconds: { type: "string", default: "1" },
  clients: { type: "string", default: "1,64,1000" }
})
const millisMax = Number(values.seconds) * 1_000
const levels = values.clients.split(",").map(Number)
const ids = ["a", "b", "c"]
const data = new Uint8Array(256).fill(7)
const result = new Uint8Array(1)

const nothing = (): void => {}

/** A disk that takes everything, and flushes once a round. */
class InstantDisk implements NodeStorage {
  sequence = 0
  readonly compact = nothing
  readonly receiveSnapshot = nothing
  readonly writeSnapshot = nothing
  readonly finishSnapshot = nothing
  readonly abandonSnapshot = nothing
  readonly restore = nothing
  readonly readSnapshot = nothing
  readonly append: NodeStorage["append"] = ({ sequence }) => {
    this.sequence = sequence
  }
}

class Member {
  readonly disk = new InstantDisk()
  readonly replica: Replica
  inbox: Array<Message> = []
  toHost: Array<HostRequest> = []
  laters: Array<() => void> = []
  flushed = 0
  onApplied: (waiter: Waiter) => void = nothing

  constructor(id: NodeId, send: (message: Message) => void) {
    const bootstrap = { voters: ids, learners: [], outgoing: [], learnersNext: [], autoLeave: false }
    const start = {
      seed: id.charCodeAt(0),
      hardState: initialHardState,
      snapshot: null,
      base: { index: 0, term: 0 },
      entries: [],
      applied: 0
    }
    // No snapshots: the log grows as long as the run is.
    const options = { ...defaultNodeOptions, id, bootstrap, snapshotLogBytes: 1e12, logBytesMax: 1e12 }
    this.replica = new Replica(options, start, {
      storage: this.disk,
      send,
      host: (request) => void this.toHost.push(request),
      nowMillis: () => performance.now(),
      wallMillis: () => 0,
      later: (action) => void this.laters.push(action),
      stopped: (failure) => {
        throw failure
      },
      observe: nothing
    })
  }

  /** One turn of its event loop. */
  turn(): void {
    const { inbox, laters, toHost } = this
    this.inbox = []
    for (const message of inbox) this.replica.receive(message)
    this.toHost = []
    for (const request of toHost) this.answer(request)
    this.laters = []
    for (const action of laters) action()
    if (this.disk.sequence === this.flushed) return
    this.flushed = this.disk.sequence
    this.replica.durable(this.flushed, 0)
  }

  private answer(request: HostRequest): void {
    if (request.kind === "ping") this.replica.hear({ kind: "pong", number: request.number })
    if (request.kind !== "apply") return
    const outcomes: Array<Extract<HostMessage, { readonly kind: "applied" }>["outcomes"][number]> = []
    for (const { id, index, to } of request.waiters) {
      if (to === "call") outcomes.push({ call: id, outcome: { _tag: "Applied", index, result } })
    }
    const { entries, waiters } = request
    this.replica.hear({ kind: "applied", index: entries.at(-1)?.index ?? 0, outcomes, rejected: [] })
    for (const waiter of waiters) this.onApplied(waiter)
  }
}

class Cluster {
  readonly members = new Map<NodeId, Member>()

  constructor() {
    for (const id of ids) this.members.set(id, new Member(id, (message) => this.send(message)))
    while (this.leader === undefined) {
      this.tick()
      for (let i = 0; i < 20; i++) this.turn()
    }
  }

  get leader(): Member | undefined {
    return [...this.members.values()].find(({ replica }) => replica.status().role === "Leader")
  }

  get follower(): Member | undefined {
    return [...this.members.values()].find(({ replica }) => replica.status().role !== "Leader")
  }

  turn(): void {
    for (const member of this.members.values()) member.turn()
  }

  tick(): void {
    for (const { replica } of this.members.values()) replica.tick()
  }

  private send(message: Message): void {
    this.members.get(message.to)?.inbox.push(message)
  }
}

type Ask = (client: number, member: Member, done: () => void) => void

/** Each client has a session of its own, and proposes again when it has its answer. */
const throughCall: Ask = (client, { replica }, done) => {
  const session = client + 1
  let serial = 0
  const next = (): void =>
    replica.call({ _tag: "Propose", session, serial: ++serial, acknowledged: serial, data }, () => {
      done()
      next()
    })
  next()
}

const throughHost = (): Ask => {
  let request = 0
  return (_client, member, done) => {
    const next = (): void => member.replica.hear({ kind: "propose", request: ++request, data, timeoutMillis: 60_000 })
    // Whoever waits is answered in some order: there are always as many on the way as there are clients.
    member.onApplied = () => {
      done()
      next()
    }
    next()
  }
}

/** What other processes leave to this one is not measured. */
const cpuMillis = (): number => {
  const { system, user } = process.cpuUsage()
  return (system + user) / 1_000
}

const run = (clients: number, ask: Ask, through: "leader" | "follower"): number => {
  const cluster = new Cluster()
  const member = cluster[through]
  if (member === undefined) throw new Error(`no ${through}`)
  let count = 0
  for (let client = 0; client < clients; client++) ask(client, member, () => count++)
  let startMillis = performance.now()
  let tickMillis = startMillis
  let before = { count: 0, cpuMillis: 0 }
  for (let isWarm = false; ;) {
    cluster.turn()
    const nowMillis = performance.now()
    if (nowMillis - tickMillis >= 25) {
      tickMillis = nowMillis
      cluster.tick()
    }
    if (!isWarm && nowMillis - startMillis > millisMax / 4) {
      isWarm = true
      startMillis = nowMillis
      before = { count, cpuMillis: cpuMillis() }
    } else if (isWarm && nowMillis - startMillis > millisMax) {
      return ((count - before.count) * 1_000) / (cpuMillis() - before.cpuMillis)
    }
  }
}

const rows = levels.map((clients) => [
  `${clients}`,
  run(clients, throughCall, "leader").toFixed(0),
  run(clients, throughCall, "follower").toFixed(0),
  run(clients, throughHost(), "leader").toFixed(0)
])
console.log(table([["clients", "calls to the leader", "calls to a follower", "the leader's host"], ...rows]))
