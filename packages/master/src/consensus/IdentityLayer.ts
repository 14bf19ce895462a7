/** Finds or makes this master's identity, whichever way its data directory starts. Before it Raft cannot run. */
import { hostname } from "node:os"
import { join } from "node:path"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { remove } from "@nxmesh/core/file/AtomicFile"
import { Data, Effect, Layer } from "effect"
import { handOverToRaft, replayLegacyLog } from "../legacy/Conversion.ts"
import { sealedPlaces } from "../secrets/Secrets.ts"
import { openWithKeyFile } from "../secrets/WrongKeyFile.ts"
import { Settings } from "../Settings.ts"
import { DataDirectory } from "../state/DataDirectory.ts"
import { Reads } from "../state/Reads.ts"
import { serverNames } from "./CertificateNames.ts"
import { renewWhenDue } from "./CertificateRenewal.ts"
import { type DirectoryFacts, type Formation, formationOf } from "./Formation.ts"
import { foundCluster, identifyWith, makeNodeId } from "./Founding.ts"
import { formingFile, joiningFile, nodeFile } from "./IdentityFiles.ts"
import { joinCluster } from "./Joining.ts"
import { NodeIdentity, openIdentity } from "./NodeIdentity.ts"
import { rejoinCluster } from "./Rejoining.ts"
import { rejoiningFile } from "./RejoinFiles.ts"
import { fileExists } from "./SetAside.ts"

/** The settings and the data directory do not say who this master is. */
export class FormationRefused extends Data.TaggedError("FormationRefused")<{ readonly problem: string }> {
  override get message() {
    return this.problem
  }
}

/** What agents met before a master had one certificate for everything. */
const legacyCertificate = "agent-server.json"

/** Raft's directory, below the data directory. */
export const raftDirectory = (dataDirectory: string): string => join(dataDirectory, "raft")

const directoryFacts = Effect.fnUntraced(function* (directory: string) {
  const reads = yield* Reads
  return {
    identity: (yield* nodeFile.read(directory)) !== null,
    forming: (yield* formingFile.read(directory)) !== null,
    joining: (yield* joiningFile.read(directory)) !== null,
    rejoining: (yield* rejoiningFile.read(directory)) !== null,
    commandLog: yield* fileExists(join(directory, "log")),
    content: (yield* reads.cluster) !== undefined || (yield* fileExists(raftDirectory(directory)))
  } satisfies DirectoryFacts
})

/**
 * Gives the master of a directory from before Raft an id and a certificate by its own authority, and its log to Raft. A log
 * that never held a cluster only goes out of the way.
 */
const convert = Effect.fnUntraced(function* (directory: string) {
  yield* replayLegacyLog
  const cluster = yield* (yield* Reads).cluster
  const known = yield* nodeFile.read(directory)
  const nodeId = known?.node_id ?? (yield* makeNodeId)
  if (cluster !== undefined && known === null) {
    const privateKeyPem = yield* openWithKeyFile(cluster.ca_private_key, sealedPlaces.clusterCa)
    const authority = { certificatePem: cluster.ca_certificate_pem, privateKeyPem }
    yield* identifyWith(directory, { nodeId, clusterId: cluster.cluster_id, founder: false }, authority)
    yield* remove(join(directory, legacyCertificate))
  }
  yield* handOverToRaft({ nodeId, raftDirectory: raftDirectory(directory) })
})

/** Does what the formation says; `node.json` is there afterwards, or another look has to be taken. */
const form = Effect.fnUntraced(function* (directory: string, formation: Formation) {
  switch (formation._tag) {
    case "Start":
      return
    case "MakeCluster":
      return yield* foundCluster(directory, yield* makeNodeId)
    case "Join":
      return yield* joinCluster(directory, formation.proof)
    case "Rejoin":
      return yield* rejoinCluster(directory)
    case "Convert":
      return yield* convert(directory)
    case "Refuse":
      return yield* new FormationRefused({ problem: formation.problem })
  }
})

export const layerIdentity = Layer.effect(
  NodeIdentity,
  Effect.gen(function* () {
    const settings = yield* Settings
    const directory = (yield* DataDirectory).path
    const formOnce = Effect.gen(function* () {
      yield* form(directory, formationOf(yield* directoryFacts(directory), settings))
      return yield* nodeFile.read(directory)
    })
    const identity = (yield* formOnce) ?? (yield* formOnce)
    if (identity === null) return yield* Effect.die(new Error("a data directory was formed, and has no node.json"))
    yield* joiningFile.remove(directory)
    const opened = yield* openIdentity(directory, identity)
    // Before Raft shows it: after a long rest it may have ended, and others would not talk to this master.
    const cluster = yield* (yield* Reads).cluster
    if (cluster !== undefined) {
      const privateKeyPem = yield* openWithKeyFile(cluster.ca_private_key, sealedPlaces.clusterCa)
      const authority = { certificatePem: cluster.ca_certificate_pem, privateKeyPem }
      yield* renewWhenDue(opened, authority, serverNames(settings, hostname()))
    }
    return opened
  })
).pipe(Layer.provide(Identifiers.layer))
