/** One member of the cluster under test: a Raft node with the product's default settings and SQLite as its state machine. */
import { Cause, Effect, Exit } from "effect"
import { join } from "node:path"
import { defaultNodeOptions } from "../../../packages/raft/src/node/NodeOptions.ts"
import { startRaftNode } from "../../../packages/raft/src/node/RaftNode.ts"
import type { RaftNode } from "../../../packages/raft/src/node/RaftNode.ts"
import type { Status } from "../../../packages/raft/src/node/Status.ts"
import { SqliteKeyValue } from "../../../packages/raft/src/testing/machine/SqliteKeyValue.ts"
import type { MemberAnswer, MemberRequest, MemberStart } from "./MemberMessage.ts"
import { clusterName } from "./RaftStore.ts"

const tell = (answer: MemberAnswer): void => void process.send?.(answer)

const answer = (node: RaftNode["Service"], request: MemberRequest, status: Status) => {
  if (request.kind === "status") {
    const { applied, leader, term } = status
    return Effect.sync(() => tell({ kind: "status", request: request.request, leader, term, applied }))
  }
  if (request.kind === "start") return Effect.void
  return Effect.tap(node.transferLeadership(request.to), () =>
    Effect.sync(() => tell({ kind: "done", request: request.request }))
  )
}

const program = (start: MemberStart) =>
  Effect.gen(function* () {
    const machine = yield* Effect.acquireRelease(
      Effect.sync(() => new SqliteKeyValue(join(start.directory, "state"))),
      (opened) => Effect.sync(() => opened.close())
    )
    const own = start.endpoints.find(({ id }) => id === start.id)!
    const { tls } = start
    const node = yield* startRaftNode({
      options: {
        ...defaultNodeOptions,
        id: start.id,
        bootstrap: {
          voters: start.endpoints.map(({ id }) => id),
          outgoing: [],
          learners: [],
          learnersNext: [],
          autoLeave: false
        }
      },
      directory: join(start.directory, "raft"),
      machine,
      network: {
        cluster: clusterName,
        listen: { host: own.host, port: own.port },
        tls: tls && { certificatePem: tls.cert, privateKeyPem: tls.key, authoritiesPem: tls.ca },
        allowPlaintext: false
      },
      peers: new Map(start.endpoints.filter(({ id }) => id !== start.id).map((peer) => [peer.id, peer]))
    })
    process.on("message", (request: MemberRequest) => {
      Effect.runFork(Effect.flatMap(node.status, (status) => answer(node, request, status)))
    })
    tell({ kind: "started" })
    return yield* node.stopped
  }).pipe(Effect.scoped)

process.once("message", (request: MemberRequest) => {
  if (request.kind !== "start") return
  const running = Effect.runFork(program(request.start))
  process.once("SIGTERM", () => running.interruptUnsafe())
  running.addObserver((exit) => {
    if (Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause))
      tell({ kind: "stopped", message: Cause.pretty(exit.cause) })
    process.disconnect?.()
  })
})
process.once("disconnect", () => process.exit())
