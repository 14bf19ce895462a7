/** A real node of Raft that is its cluster's only member: threads, log and all, without TLS on loopback. */
import { defaultNodeOptions, type NodeOptions } from "@nxmesh/raft/node/NodeOptions"
import { RaftNode, type RaftNodeSettings } from "@nxmesh/raft/node/RaftNode"
import { Effect, Layer } from "effect"
import { join } from "node:path"
import { ReplicatedState } from "../../src/state/ReplicatedState.ts"
import { localId } from "./LocalRaft.ts"

export type LoneRaftSettings = Partial<NodeOptions> & Pick<RaftNodeSettings, "fileSystemModule">

export const layerLoneRaft = (directory: string, { fileSystemModule, ...options }: LoneRaftSettings = {}) =>
  Layer.unwrap(
    Effect.map(ReplicatedState, ({ machine }) =>
      RaftNode.layer({
        options: {
          ...defaultNodeOptions,
          id: localId,
          bootstrap: { voters: [localId], learners: [], outgoing: [], learnersNext: [], autoLeave: false },
          ...options
        },
        directory: join(directory, "raft"),
        machine,
        network: { cluster: "test", listen: { host: "127.0.0.1", port: 0 }, tls: null, allowPlaintext: false },
        peers: new Map(),
        ...(fileSystemModule === undefined ? {} : { fileSystemModule })
      })
    )
  )

/** Snapshots after every few megabytes of log, which is cut close behind them. */
export const frequentSnapshots = { snapshotLogBytes: 4 * 1_048_576, trailingEntries: 10 }
