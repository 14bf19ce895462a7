/** Finds or makes this master's identity, whichever way its data directory starts. Before it Raft cannot run. */
import { access } from "node:fs/promises"
import { hostname } from "node:os"
import { join } from "node:path"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { Data, Effect, Layer } from "effect"
import { sealedPlaces } from "../secrets/Secrets.ts"
import { openWithKeyFile } from "../secrets/WrongKeyFile.ts"
import { Settings } from "../Settings.ts"
import { DataDirectory } from "../state/DataDirectory.ts"
import { Reads } from "../state/Reads.ts"
import { serverNames } from "./CertificateNames.ts"
import { renewWhenDue } from "./CertificateRenewal.ts"
import { type DirectoryFacts, type Formation, formationOf } from "./Formation.ts"
import { foundCluster, makeNodeId } from "./Founding.ts"
import { formingFile, joiningFile, nodeFile } from "./IdentityFiles.ts"
import { joinCluster } from "./Joining.ts"
import { NodeIdentity, openIdentity } from "./NodeIdentity.ts"

/** The settings and the data directory do not say who this master is. */
export class FormationRefused extends Data.TaggedError("FormationRefused")<{ readonly problem: string }> {
  override get message() {
    return this.problem
  }
}

/** Raft's directory, below the data directory. */
export const raftDirectory = (dataDirectory: string): string => join(dataDirectory, "raft")

const exists = (path: string) =>
  Effect.promise(() =>
    access(path).then(
      () => true,
      () => false
    )
  )

const directoryFacts = Effect.fnUntraced(function* (directory: string) {
  const reads = yield* Reads
  return {
    identity: (yield* nodeFile.read(directory)) !== null,
    forming: (yield* formingFile.read(directory)) !== null,
    joining: (yield* joiningFile.read(directory)) !== null,
    commandLog: yield* exists(join(directory, "log")),
    content: (yield* reads.cluster) !== undefined || (yield* exists(raftDirectory(directory)))
  } satisfies DirectoryFacts
})

/** Puts `node.json` there. */
const form = Effect.fnUntraced(function* (directory: string, formation: Formation) {
  switch (formation._tag) {
    case "Start":
      return
    case "MakeCluster":
      return yield* foundCluster(directory, yield* makeNodeId)
    case "Join":
      return yield* joinCluster(directory, formation.proof)
    case "Convert":
      return yield* new FormationRefused({ problem: "the data directory is of a version before Raft" })
    case "Refuse":
      return yield* new FormationRefused({ problem: formation.problem })
  }
})

export const layerIdentity = Layer.effect(
  NodeIdentity,
  Effect.gen(function* () {
    const settings = yield* Settings
    const directory = (yield* DataDirectory).path
    yield* form(directory, formationOf(yield* directoryFacts(directory), settings))
    const identity = yield* nodeFile.read(directory)
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
