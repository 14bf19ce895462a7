/**
 * A member lets a new master in: it checks what only a connection can show, has the cluster decide the rest in one entry of
 * the log, and signs the new master's key. Asked again with the same id and key it gives the same answer, so that a lost
 * one costs nothing.
 */
import { certifyKey } from "@nxmesh/core/crypto/CertificateAuthority"
import { readCertificateRequest } from "@nxmesh/core/crypto/CertificateRequest"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { isKeyProof, keyProof } from "@nxmesh/core/crypto/KeyProof"
import { sha256Hex } from "@nxmesh/core/crypto/Sha256"
import type { CommandOf } from "@nxmesh/protocol/Command"
import { type MasterId, Sha256 } from "@nxmesh/protocol/Ids"
import type { MasterDescription } from "@nxmesh/protocol/model/Master"
import {
  type JoinAccepted,
  type JoinPayload,
  joinProofPurposes,
  type ReplacePayload
} from "@nxmesh/protocol/peer/Joining"
import { peerRefused, type PeerRefused, type PeerUnavailable, peerUnavailable } from "@nxmesh/protocol/peer/PeerRefused"
import { Context, Effect, Layer, Redacted } from "effect"
import { Cluster } from "../cluster/Cluster.ts"
import type { CommandError, CommandRejected } from "../command/CommandError.ts"
import { Commands } from "../command/Commands.ts"
import { masterUri } from "../consensus/CertificateNames.ts"
import { loadClusterSecret } from "../joining/ClusterSecret.ts"
import { Limits } from "../Limits.ts"
import { Secrets } from "../secrets/Secrets.ts"
import { Settings } from "../Settings.ts"
import { Reads } from "../state/Reads.ts"
import { refusalOf } from "./RejectedAdmission.ts"
import { unspecificAddress } from "./SpecificAddress.ts"

export interface AdmissionRequest<Payload extends ReplacePayload = ReplacePayload> {
  readonly payload: Payload
  /** Of the connection on which it came (RFC 9266). */
  readonly channelBinding: Uint8Array
  readonly remoteAddress: string
}

type Proof = CommandOf<"AdmitMaster">["proof"]

const malformed = (message: string) => peerRefused("malformed", message)

const unavailable = ({ message, reason }: CommandError): PeerUnavailable => {
  switch (reason._tag) {
    case "OutcomeUnknown":
      return peerUnavailable("outcome_unknown", message)
    case "NoLeader":
      return peerUnavailable("no_leader", message)
    default:
      return peerUnavailable("not_ready", message)
  }
}

export class Admission extends Context.Service<
  Admission,
  {
    readonly admit: (
      request: AdmissionRequest<JoinPayload>
    ) => Effect.Effect<JoinAccepted, PeerRefused | PeerUnavailable>
    /** In the place of the member whose certificate the connection shows. */
    readonly replace: (
      request: AdmissionRequest,
      replaced: MasterId
    ) => Effect.Effect<JoinAccepted, PeerRefused | PeerUnavailable>
  }
>()("@nxmesh/master/peer/Admission") {
  static readonly layer = Layer.effect(
    Admission,
    Effect.gen(function* () {
      const cluster = yield* Cluster
      const commands = yield* Commands
      const identifiers = yield* Identifiers
      const reads = yield* Reads
      const secrets = yield* Secrets
      const { clusterSecretFile } = yield* Settings
      const clusterSecret = clusterSecretFile === null ? null : yield* loadClusterSecret(clusterSecretFile)

      /** Before anything enters the log: only who has the key file gets so far. */
      const checkKeyFile = Effect.fnUntraced(function* (request: AdmissionRequest, publicKey: string) {
        const texts = [publicKey, request.channelBinding]
        if (secrets.isProof(request.payload.key_proof, joinProofPurposes.keyFile, texts)) return
        return yield* peerRefused(
          "key_file",
          "the new master has another key file than the cluster: copy the file of NXMESH_SECRETS_KEY_FILE from a member, by a safe way"
        )
      })

      const checkProof = Effect.fnUntraced(function* (
        { channelBinding, payload: { proof } }: AdmissionRequest<JoinPayload>,
        publicKey: string
      ): Effect.fn.Return<Proof, PeerRefused> {
        if (proof._tag === "Token") {
          return { _tag: "Token", token_hash: Sha256.make(sha256Hex(Redacted.value(proof.token))) }
        }
        if (clusterSecret === null) {
          return yield* peerRefused(
            "cluster_secret",
            "this cluster takes no cluster secret: join with a token, or set NXMESH_CLUSTER_SECRET_FILE on every member"
          )
        }
        const secret = Redacted.value(clusterSecret)
        if (!isKeyProof(proof.mac, secret, joinProofPurposes.newMaster, [publicKey, channelBinding])) {
          return yield* peerRefused(
            "cluster_secret",
            "the new master's cluster secret is another one: give every master the same file as NXMESH_CLUSTER_SECRET_FILE"
          )
        }
        return { _tag: "ClusterSecret" }
      })

      /** Raft could not go on between masters that do not find each other. */
      const checkAddresses = Effect.fnUntraced(function* (applicant: MasterDescription, proof: Proof) {
        const replaced = proof._tag === "Certificate" ? proof.replaces : null
        const others = (yield* reads.masters).filter(({ id }) => id !== applicant.id && id !== replaced)
        for (const master of [...others, applicant]) {
          const problem = unspecificAddress(master)
          if (problem !== undefined) return yield* peerRefused("address_unspecific", problem)
        }
      })

      const explain = Effect.fnUntraced(function* (
        { rejection }: CommandRejected,
        proof: Proof,
        { payload }: AdmissionRequest
      ) {
        const isReplacedRemoved = proof._tag === "Certificate" && (yield* reads.isRemovedMaster(proof.replaces))
        return refusalOf(rejection, {
          token: proof._tag === "Token" ? yield* reads.joinToken(proof.token_hash) : undefined,
          removed: isReplacedRemoved || (yield* reads.isRemovedMaster(payload.master.id)),
          full: (yield* reads.masters).length >= Limits.state.mastersMax
        })
      })

      const letIn = Effect.fn("Admission.letIn")(function* (
        request: AdmissionRequest,
        proofFor: (publicKey: string) => Effect.Effect<Proof, PeerRefused>
      ): Effect.fn.Return<JoinAccepted, PeerRefused | PeerUnavailable> {
        const { certificate_request, dns_names, ip_addresses, master } = request.payload
        const { key, publicKey } = yield* Effect.mapError(readCertificateRequest(certificate_request), (error) =>
          malformed(`certificate_request: ${error.message}`)
        )
        yield* checkKeyFile(request, publicKey)
        const proof = yield* proofFor(publicKey)
        yield* checkAddresses(master, proof)
        yield* commands
          .submit({
            principal: { _tag: "System", component: "joining" },
            command: { _tag: "AdmitMaster", proof, public_key: publicKey, master },
            remoteAddress: request.remoteAddress
          })
          .pipe(
            Effect.catchTags({
              CommandRejected: (rejected) => Effect.flatMap(explain(rejected, proof, request), Effect.fail),
              CommandError: (error) => Effect.fail(unavailable(error))
            })
          )
        const issued = yield* certifyKey(cluster.authority, key, {
          dnsNames: dns_names,
          ipAddresses: ip_addresses,
          uris: [masterUri(master.id)]
        }).pipe(
          Effect.provideService(Identifiers, identifiers),
          Effect.mapError((error) => malformed(`certificate_request: ${error.message}`))
        )
        yield* Effect.logInfo("let a master in", {
          master_id: master.id,
          name: master.name,
          proof: proof._tag,
          ...(proof._tag === "Certificate" ? { replaces: proof.replaces } : {}),
          remote_address: request.remoteAddress
        })
        return {
          cluster_id: cluster.clusterId,
          certificate_pem: issued.certificatePem,
          authority_pem: cluster.authority.certificatePem,
          masters: yield* reads.masters,
          authority_mac:
            proof._tag !== "ClusterSecret" || clusterSecret === null
              ? null
              : keyProof(Redacted.value(clusterSecret), joinProofPurposes.member, [
                  cluster.authorityFingerprint,
                  request.channelBinding
                ])
        }
      })

      return Admission.of({
        admit: (request) => letIn(request, (publicKey) => checkProof(request, publicKey)),
        replace: (request, replaces) => letIn(request, () => Effect.succeed({ _tag: "Certificate", replaces }))
      })
    })
  )
}
