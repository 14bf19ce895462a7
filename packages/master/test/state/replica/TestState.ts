/** The state as Raft's state machine on a real directory, and batches as Raft gives them. */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import type { Command, Outcome, Proposal } from "@nxmesh/protocol/Command"
import { CommandId } from "@nxmesh/protocol/Ids"
import type { SessionChanges } from "@nxmesh/raft/node/Sessions"
import type { SnapshotImage, StateMachine } from "@nxmesh/raft/node/StateMachine"
import { Effect, Layer } from "effect"
import type { Connection } from "../../../src/state/Connection.ts"
import { Database } from "../../../src/state/Database.ts"
import { DataDirectory } from "../../../src/state/DataDirectory.ts"
import { Events } from "../../../src/state/Events.ts"
import { Reads } from "../../../src/state/Reads.ts"
import { decodeOutcome, encodeProposal } from "../../../src/state/replica/CommandBytes.ts"
import { ReplicatedState } from "../../../src/state/ReplicatedState.ts"
import { uuid } from "../../config/Fixtures.ts"
import { system } from "../TestMaster.ts"

/** Built anew, it is a restart. */
export const stateLayer = (directory: string) =>
  Layer.mergeAll(ReplicatedState.layer, Reads.layer).pipe(
    Layer.provideMerge(Layer.mergeAll(Database.layerNoDeps, Events.layer, Metrics.layer)),
    Layer.provide(DataDirectory.layerAt(directory))
  )

export const inState =
  (directory: string) =>
  <A, E, R>(use: Effect.Effect<A, E, R>) =>
    // A state of its own, also inside the use of another.
    Effect.provide(use, stateLayer(directory), { local: true })

export const machineOf = Effect.map(ReplicatedState, ({ machine }) => machine)

export const proposalOf = (command: Command, fields: Partial<Proposal> = {}): Proposal => ({
  id: CommandId.make(uuid(1, 1)),
  at_millis: 0,
  principal: system,
  idempotency: null,
  remote_address: null,
  command,
  ...fields
})

export interface Applying {
  readonly term?: number
  readonly millis?: number
  readonly changes?: SessionChanges
}

export const noChanges: SessionChanges = { expired: [], used: [], forgotten: [], answered: [] }

/** One batch whose last entry is the one at `index`; the commands stand right before it. */
export const applyBytes = (
  machine: StateMachine,
  index: number,
  commands: ReadonlyArray<Uint8Array>,
  { changes = noChanges, millis = 1_000, term = 2 }: Applying = {}
): ReadonlyArray<Outcome> =>
  machine
    .apply({
      commands: commands.map((data, i) => ({ index: index - commands.length + 1 + i, term, millis, data })),
      last: { index, term },
      sessionChanges: () => changes
    })
    .map(decodeOutcome)

export const applyAt = (
  machine: StateMachine,
  index: number,
  commands: ReadonlyArray<Command | Proposal>,
  applying: Applying = {}
): ReadonlyArray<Outcome> =>
  applyBytes(
    machine,
    index,
    commands.map((one) => encodeProposal("_tag" in one ? proposalOf(one) : one)),
    applying
  )

/** Every row of every table. */
export const dumpOf = (connection: Connection) =>
  connection
    .all<{ readonly name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
    .map(({ name }) => [name, connection.all(`SELECT * FROM ${name} ORDER BY 1, 2`)] as const)

export const dump = Effect.map(Database, ({ reader }) => dumpOf(reader))

export const readImage = Effect.fnUntraced(function* (image: SnapshotImage, bytesMax = 10_000) {
  const parts: Array<Uint8Array> = []
  for (let at = 0; at < image.bytes;) {
    const part = yield* image.read(at, bytesMax)
    parts.push(part)
    at += part.length
  }
  return new Uint8Array(Buffer.concat(parts))
})

export const imageOf = (index: number, content: Uint8Array): SnapshotImage => ({
  index,
  bytes: content.length,
  read: (offset, bytesMax) => Effect.succeed(content.slice(offset, offset + bytesMax)),
  close: Effect.void
})

/** The content of a snapshot of what this directory holds. */
export const snapshotOf = Effect.gen(function* () {
  const image = yield* (yield* machineOf).snapshot
  const content = yield* readImage(image)
  yield* image.close
  return content
})
