/** Has a cluster let this master in, with an id and a key that stay the same until an answer is on disk. */
import { hostname } from "node:os"
import { makePrivateKey } from "@nxmesh/core/crypto/CertificateAuthority"
import { Effect } from "effect"
import { JoinCluster, JoinError, type JoinProof } from "../joining/JoinCluster.ts"
import { sealedPlaces, Secrets } from "../secrets/Secrets.ts"
import { openWithKeyFile } from "../secrets/WrongKeyFile.ts"
import { Settings } from "../Settings.ts"
import { serverNames } from "./CertificateNames.ts"
import { describeMaster, unreachableBecause } from "./Description.ts"
import { foundCluster, makeNodeId } from "./Founding.ts"
import { joiningFile } from "./IdentityFiles.ts"
import { writeIdentity } from "./NodeIdentity.ts"

/** The id and the key to be let in with: of an attempt before this one, or made. */
export const applicantIn = Effect.fnUntraced(function* (directory: string) {
  const secrets = yield* Secrets
  const found = yield* joiningFile.read(directory)
  if (found !== null) {
    return {
      nodeId: found.node_id,
      privateKeyPem: yield* openWithKeyFile(found.private_key, sealedPlaces.serverCertificate)
    }
  }
  const nodeId = yield* makeNodeId
  const privateKeyPem = yield* makePrivateKey
  const private_key = yield* secrets.seal(privateKeyPem, sealedPlaces.serverCertificate)
  yield* joiningFile.write(directory, { node_id: nodeId, private_key })
  return { nodeId, privateKeyPem }
})

/** Answers what is in `node.json` afterwards. */
export const joinCluster = Effect.fn("Joining.joinCluster")(function* (directory: string, proof: JoinProof) {
  const settings = yield* Settings
  const problem = unreachableBecause(settings)
  if (problem !== null) return yield* new JoinError({ reason: "Settings", message: problem })
  const { nodeId, privateKeyPem } = yield* applicantIn(directory)
  const outcome = yield* (yield* JoinCluster).join({
    members: settings.join,
    proof,
    master: describeMaster(settings, nodeId),
    names: serverNames(settings, hostname()),
    privateKeyPem,
    keyFile: (yield* Secrets).keyFile,
    listen: settings.agentAddress
  })
  if (outcome._tag === "MakesCluster") return yield* foundCluster(directory, nodeId)
  const { authorityPem, certificatePem, clusterId, masters } = outcome.answer
  const identity = yield* writeIdentity(
    directory,
    { node_id: nodeId, cluster_id: clusterId, founder: false, masters },
    { certificatePem, privateKeyPem, authorityPem }
  )
  yield* Effect.logInfo("joined a cluster", {
    cluster_id: clusterId,
    node_id: nodeId,
    masters: masters.map(({ name }) => name)
  })
  return identity
})
