/** A real node of Raft that is its cluster's only member: threads, log and all, without TLS on loopback. */
import { defaultNodeOptions, type NodeOptions } from "@nxmesh/raft/node/NodeOptions"
import { RaftNode, type RaftNodeSettings } from "@nxmesh/raft/node/RaftNode"
import { Effect, Layer } from "effect"
import { join } from "node:path"
import { ReplicatedState } from "../../src/state/ReplicatedState.ts"
import { localId } from "./LocalRaft.ts"

export type LoneRaftSettings = Partial<NodeOptions> & Pick<RaftNodeSettings, "fileSystemModule" | "log">

export const layerLoneRaft = (directory: string, { fileSystemModule, log, ...options }: LoneRaftSettings = {}) =>
  Layer.unwrap(
    Effect.map(ReplicatedState, ({ machine }) =>
      RaftNode.layer({
        options: {
          ...defaultNodeOptions,
          id: localId,
          bootstrap: { voters: [localId], learners: [], outgoing: [], learnersNext: [], autoLeave: false },
          // A busy machine must not look like a main thread that is lost.
          hostStallMillis: 60_000,
          hostLostMillis: 120_000,
          ...options
        },
        directory: join(directory, "raft"),
        machine,
        network: { cluster: "test", listen: { host: "127.0.0.1", port: 0 }, tls: null, allowPlaintext: false },
        peers: new Map(),
        ...(log === undefined ? {} : { log }),
        ...(fileSystemModule === undefined ? {} : { fileSystemModule })
      })
    )
  )

/** Snapshots after every few megabytes of log, which is cut close behind them. */
export const frequentSnapshots = {
  snapshotLogBytes: 4 * 1_048_576,
  trailingEntries: 10,
  log: { segmentBytes: 2 * 1_048_576, growBytes: 1_048_576, bufferBytes: 262_144 }
}
