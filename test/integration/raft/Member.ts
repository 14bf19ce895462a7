/** The process of one member: a Raft node with SQLite as its state machine, that does what a test tells it. */
import { startRaftNode } from "@nxmesh/raft/node/RaftNode"
import type { RaftNode } from "@nxmesh/raft/node/RaftNode"
import { decodeResult, encodeCommand } from "@nxmesh/raft/testing/machine/KeyValueCommand"
import { SqliteKeyValue } from "@nxmesh/raft/testing/machine/SqliteKeyValue"
import { Cause, Effect, Exit, Stream } from "effect"
import { join } from "node:path"
import type { FromMember, LoadReport, MemberRequest, MemberStart, ToMember } from "./MemberMessage.ts"

type Node = RaftNode["Service"]

const tell = (message: FromMember): void => void process.send?.(message)

class Load {
  private readonly acknowledged = new Map<string, string>()
  private readonly failures: Array<string> = []
  private writes = 0
  private isOver = false
  private readonly running: Promise<unknown>

  constructor(node: Node, clients: number, valueBytes: number) {
    const fill = "x".repeat(valueBytes)
    const client = (number: number) =>
      Effect.gen({ self: this }, function* () {
        for (let count = 0; !this.isOver; count++) {
          const key = `load-${number}-${count % 8}`
          const value = `${count} ${fill}`
          const exit = yield* Effect.exit(node.propose(encodeCommand({ kind: "put", key, value })))
          if (Exit.isSuccess(exit)) {
            this.acknowledged.set(key, value)
            this.writes += 1
            continue
          }
          // Whether it was written is open: the key says nothing any more.
          this.acknowledged.delete(key)
          this.failures.push(Cause.pretty(exit.cause))
          yield* Effect.sleep(20)
        }
      })
    const numbers = Array.from({ length: clients }, (_, i) => i)
    this.running = Effect.runPromise(Effect.forEach(numbers, client, { concurrency: "unbounded", discard: true }))
  }

  async stop(): Promise<LoadReport> {
    this.isOver = true
    await this.running
    return { acknowledged: this.acknowledged, writes: this.writes, failures: this.failures.slice(0, 5) }
  }
}

let load: Load | null = null

const answer = (node: Node, machine: SqliteKeyValue, request: MemberRequest): Effect.Effect<unknown, unknown> => {
  switch (request.kind) {
    case "put":
      return Effect.map(node.propose(encodeCommand(request)), ({ index }) => index)
    case "get":
      return Effect.map(node.read, () => {
        const result = decodeResult(machine.query(encodeCommand(request)))
        return result.kind === "get" ? result.value : null
      })
    case "load":
      return Effect.sync(() => void (load = new Load(node, request.clients, request.valueBytes)))
    case "stopLoad":
      return Effect.promise(async () => load?.stop())
    case "block":
      return Effect.sync(() => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, request.millis))
    case "transfer":
      return node.transferLeadership(request.to)
    case "peers":
      return node.setPeers(request.peers)
    case "identity":
      return node.setIdentity(request.identity)
    case "changeMembers":
      return node.changeMembers({ voters: request.voters, learners: request.learners, expectedIndex: null })
    case "usage":
      return Effect.sync(() => process.memoryUsage().rss)
  }
}

const serve = (node: Node, machine: SqliteKeyValue, message: ToMember): void => {
  if (message.kind !== "request") return
  const { id, request } = message
  Effect.runFork(answer(node, machine, request)).addObserver((exit) => {
    if (Exit.isSuccess(exit)) tell({ kind: "answer", id, value: exit.value })
    else tell({ kind: "failure", id, message: Cause.pretty(exit.cause) })
  })
}

const member = (start: MemberStart) =>
  Effect.gen(function* () {
    const machine = yield* Effect.acquireRelease(
      Effect.sync(() => new SqliteKeyValue(join(start.directory, "state"))),
      (opened) => Effect.sync(() => opened.close())
    )
    const node = yield* startRaftNode({
      options: start.options,
      directory: join(start.directory, "raft"),
      machine,
      network: {
        cluster: "test",
        listen: { host: "127.0.0.1", port: start.peers.get(start.options.id)?.port ?? 0 },
        tls: start.tls,
        allowPlaintext: false
      },
      peers: start.peers,
      log: start.log,
      fileSystemModule: start.fileSystemModule
    })
    process.on("message", (message: ToMember) => serve(node, machine, message))
    tell({ kind: "started", address: node.address })
    yield* Effect.forkScoped(
      Stream.runForEach(node.statuses, (status) => Effect.sync(() => tell({ kind: "status", status })))
    )
    return yield* node.stopped
  }).pipe(Effect.scoped)

process.once("message", (message: ToMember) => {
  if (message.kind !== "start") return
  const running = Effect.runFork(member(message.start))
  process.on("message", (next: ToMember) => next.kind === "close" && running.interruptUnsafe())
  running.addObserver((exit) => {
    if (Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)) {
      tell({ kind: "stopped", message: Cause.pretty(exit.cause) })
    }
    process.disconnect()
  })
})
process.once("disconnect", () => process.exit())
