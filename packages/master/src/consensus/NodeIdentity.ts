/** Who this master is: its id in Raft, its cluster, and the certificate by which agents and masters know it. */
import type { KeyedCertificate } from "@nxmesh/core/crypto/CertificateAuthority"
import type { FileError } from "@nxmesh/core/file/FileError"
import type { ClusterId, MasterId } from "@nxmesh/protocol/Ids"
import type { MasterDescription } from "@nxmesh/protocol/model/Master"
import type { SealedSecret } from "@nxmesh/protocol/model/SealedSecret"
import { Context, Effect, Stream, SubscriptionRef } from "effect"
import { sealedPlaces, Secrets } from "../secrets/Secrets.ts"
import { openWithKeyFile } from "../secrets/WrongKeyFile.ts"
import { formingFile, type NodeFile, nodeFile } from "./IdentityFiles.ts"

/** For both servers and both directions: agents meet it on 8443, masters show it to each other. */
export interface MasterCertificate extends KeyedCertificate {
  /** Follows the master's own in the chain, so that an agent that pins it finds it. */
  readonly authorityPem: string
}

/** The cluster that this master makes, before the state holds it. */
export interface FormingCluster {
  readonly certificatePem: string
  readonly sealedPrivateKey: SealedSecret
}

export class NodeIdentity extends Context.Service<
  NodeIdentity,
  {
    readonly nodeId: MasterId
    readonly clusterId: ClusterId
    /** Its log begins with itself as the only member. */
    readonly founder: boolean
    /** `null`: the cluster stands, or others make it. */
    readonly forming: FormingCluster | null
    /** The state holds the cluster from now on. */
    readonly formed: Effect.Effect<void, FileError>
    /** The members as they were when this master joined. */
    readonly mastersAtJoin: ReadonlyArray<MasterDescription>
    readonly current: Effect.Effect<MasterCertificate>
    /** Each certificate that replaces the one before. */
    readonly renewals: Stream.Stream<MasterCertificate>
    /** Durable when it succeeds. */
    readonly replace: (certificate: MasterCertificate) => Effect.Effect<void, FileError>
  }
>()("@nxmesh/master/consensus/NodeIdentity") {}

/** Fails when the key in the file was sealed with another key file. */
export const openIdentity = Effect.fn("NodeIdentity.open")(function* (directory: string, file: NodeFile) {
  const secrets = yield* Secrets
  const privateKeyPem = yield* openWithKeyFile(file.private_key, sealedPlaces.serverCertificate)
  const forming = yield* formingFile.read(directory)
  const certificates = yield* SubscriptionRef.make<MasterCertificate>({
    certificatePem: file.certificate_pem,
    privateKeyPem,
    authorityPem: file.authority_pem
  })
  return NodeIdentity.of({
    nodeId: file.node_id,
    clusterId: file.cluster_id,
    founder: file.founder,
    forming:
      forming === null
        ? null
        : { certificatePem: forming.ca_certificate_pem, sealedPrivateKey: forming.ca_private_key },
    formed: formingFile.remove(directory),
    mastersAtJoin: file.masters,
    current: SubscriptionRef.get(certificates),
    renewals: Stream.drop(SubscriptionRef.changes(certificates), 1),
    replace: Effect.fn("NodeIdentity.replace")(function* (certificate) {
      yield* writeIdentity(directory, file, certificate).pipe(Effect.provideService(Secrets, secrets))
      yield* SubscriptionRef.set(certificates, certificate)
    }, Effect.uninterruptible)
  })
})

/** Writes `node.json` with this certificate. */
export const writeIdentity = Effect.fn("NodeIdentity.write")(function* (
  directory: string,
  who: Pick<NodeFile, "node_id" | "cluster_id" | "founder" | "masters">,
  certificate: MasterCertificate
) {
  const secrets = yield* Secrets
  const made: NodeFile = {
    node_id: who.node_id,
    cluster_id: who.cluster_id,
    certificate_pem: certificate.certificatePem,
    private_key: yield* secrets.seal(certificate.privateKeyPem, sealedPlaces.serverCertificate),
    authority_pem: certificate.authorityPem,
    founder: who.founder,
    masters: who.masters
  }
  yield* nodeFile.write(directory, made)
  return made
})
