/**
 * Makes a cluster of which this master is the first member. The authority is made before Raft, which needs a certificate
 * to start; the state gets it with the cluster's first entry. Every file is written before anything depends on it, so
 * that a crash at any point is gone on from at the next start.
 */
import { hostname } from "node:os"
import {
  issueServerCertificate,
  type KeyedCertificate,
  makeCertificateAuthority
} from "@nxmesh/core/crypto/CertificateAuthority"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { ClusterId, MasterId } from "@nxmesh/protocol/Ids"
import { Effect } from "effect"
import { sealedPlaces, Secrets } from "../secrets/Secrets.ts"
import { openWithKeyFile } from "../secrets/WrongKeyFile.ts"
import { Settings } from "../Settings.ts"
import { masterUri, serverNames } from "./CertificateNames.ts"
import { formingFile } from "./IdentityFiles.ts"
import { writeIdentity } from "./NodeIdentity.ts"

/** The authority of a start that was cut short, or another one; in `forming.json` either way. */
const formingAuthority = Effect.fnUntraced(function* (directory: string) {
  const secrets = yield* Secrets
  const found = yield* formingFile.read(directory)
  if (found !== null) {
    const privateKeyPem = yield* openWithKeyFile(found.ca_private_key, sealedPlaces.clusterCa)
    return { clusterId: found.cluster_id, authority: { certificatePem: found.ca_certificate_pem, privateKeyPem } }
  }
  const clusterId = ClusterId.make(yield* (yield* Identifiers).uuid)
  const authority = yield* makeCertificateAuthority(`NxMesh ${clusterId}`)
  yield* formingFile.write(directory, {
    cluster_id: clusterId,
    ca_certificate_pem: authority.certificatePem,
    ca_private_key: yield* secrets.seal(authority.privateKeyPem, sealedPlaces.clusterCa)
  })
  return { clusterId, authority }
})

export const makeNodeId = Effect.gen(function* () {
  return MasterId.make(yield* (yield* Identifiers).uuid)
})

/** Writes `node.json` with a certificate by `authority`. */
export const identifyWith = Effect.fn("Founding.identifyWith")(function* (
  directory: string,
  who: { readonly nodeId: MasterId; readonly clusterId: ClusterId; readonly founder: boolean },
  authority: KeyedCertificate
) {
  const { clusterId, founder, nodeId } = who
  const names = serverNames(yield* Settings, hostname())
  const issued = yield* issueServerCertificate(authority, { ...names, uris: [masterUri(nodeId)] })
  return yield* writeIdentity(
    directory,
    { node_id: nodeId, cluster_id: clusterId, founder, masters: [] },
    { ...issued, authorityPem: authority.certificatePem }
  )
})

export const foundCluster = Effect.fn("Founding.foundCluster")(function* (directory: string, nodeId: MasterId) {
  const { authority, clusterId } = yield* formingAuthority(directory)
  return yield* identifyWith(directory, { nodeId, clusterId, founder: true }, authority)
})
