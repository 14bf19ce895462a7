/**
 * Has the cluster let this master take its own place, as another one: with another id and key, by the certificate of who it
 * was. Before this its log and state were set aside; after it, Raft starts with nothing and learns all.
 */
import { hostname } from "node:os"
import { Effect } from "effect"
import { JoinCluster, JoinError } from "../joining/JoinCluster.ts"
import { sealedPlaces, Secrets } from "../secrets/Secrets.ts"
import { openWithKeyFile } from "../secrets/WrongKeyFile.ts"
import { Settings } from "../Settings.ts"
import { serverNames } from "./CertificateNames.ts"
import { describeMaster, unreachableBecause } from "./Description.ts"
import { nodeFile } from "./IdentityFiles.ts"
import { applicantIn } from "./Joining.ts"
import { writeIdentity } from "./NodeIdentity.ts"
import { membersKnownIn } from "./PrepareRejoin.ts"
import { rejoiningFile } from "./RejoinFiles.ts"

export const rejoinCluster = Effect.fn("Rejoining.rejoinCluster")(function* (directory: string) {
  const settings = yield* Settings
  const problem = unreachableBecause(settings)
  if (problem !== null) return yield* new JoinError({ reason: "Settings", message: problem })
  const before = yield* nodeFile.read(directory)
  if (before === null) return yield* Effect.die(new Error("a master that rejoins has no node.json"))
  const { nodeId, privateKeyPem } = yield* applicantIn(directory)
  const { certificate_pem: certificatePem, authority_pem: authorityPem } = before
  const outcome = yield* (yield* JoinCluster).join({
    members: yield* membersKnownIn(directory, before),
    proof: {
      _tag: "Certificate",
      certificate: {
        certificatePem,
        privateKeyPem: yield* openWithKeyFile(before.private_key, sealedPlaces.serverCertificate)
      },
      authorityPem
    },
    master: describeMaster(settings, nodeId),
    names: serverNames(settings, hostname()),
    privateKeyPem,
    keyFile: (yield* Secrets).keyFile,
    listen: settings.agentAddress
  })
  if (outcome._tag !== "Joined") return yield* Effect.die(new Error("a master that rejoins makes no cluster"))
  const { answer } = outcome
  yield* writeIdentity(
    directory,
    { node_id: nodeId, cluster_id: answer.clusterId, founder: false, masters: answer.masters },
    { certificatePem: answer.certificatePem, privateKeyPem, authorityPem: answer.authorityPem }
  )
  yield* rejoiningFile.remove(directory)
  yield* Effect.logInfo("took its own place in the cluster, under another id", {
    cluster_id: answer.clusterId,
    node_id: nodeId,
    replaces: before.node_id
  })
})
