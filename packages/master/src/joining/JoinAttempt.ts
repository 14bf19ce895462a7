/**
 * One attempt to join, at one member. The token is sent only to a member of the cluster that it is for; the key-encryption
 * key and the cluster secret are never sent, only proofs that are good for this connection alone.
 */
import { createPrivateKey, X509Certificate } from "node:crypto"
import { certificateRequestFor } from "@nxmesh/core/crypto/CertificateRequest"
import { certificateFingerprint } from "@nxmesh/core/crypto/Fingerprint"
import { isKeyProof, keyProof } from "@nxmesh/core/crypto/KeyProof"
import { type Address, addressText } from "@nxmesh/core/settings/SettingValues"
import {
  fingerprintInJoinToken,
  type JoinAccepted,
  joinProofPurposes,
  type ReplacePayload
} from "@nxmesh/protocol/peer/Joining"
import { Clock, Effect, Redacted, type Scope } from "effect"
import { Limits } from "../Limits.ts"
import { type JoinAnswer, JoinError, type JoinProof, type JoinRequest } from "./JoinCluster.ts"
import { joinErrorOf } from "./JoinRefusals.ts"
import { judgeCertificate } from "./MemberCertificate.ts"
import {
  connectPinned,
  connectUnproven,
  type MemberConnection,
  MemberUnreachable,
  requireMember
} from "./MemberConnection.ts"
import { callsOver } from "./OneConnection.ts"

/** What this master proves things with. */
export type Credentials =
  | { readonly _tag: "Token"; readonly token: Redacted.Redacted<string> }
  | { readonly _tag: "ClusterSecret"; readonly secret: Redacted.Redacted<Uint8Array> }
  | Extract<JoinProof, { readonly _tag: "Certificate" }>

export interface Applicant {
  readonly request: Pick<JoinRequest, "master" | "names" | "privateKeyPem">
  readonly credentials: Credentials
  readonly keyEncryptionKey: Redacted.Redacted<Uint8Array>
}

const connectTo = (
  address: Address,
  credentials: Credentials
): Effect.Effect<MemberConnection, MemberUnreachable | JoinError, Scope.Scope> => {
  switch (credentials._tag) {
    case "ClusterSecret":
      return connectUnproven(address)
    case "Certificate": {
      const fingerprint = certificateFingerprint(credentials.authorityPem)
      return connectPinned(address, { fingerprint, from: "node.json" }, credentials.certificate)
    }
    case "Token": {
      const fingerprint = fingerprintInJoinToken(Redacted.value(credentials.token))
      return fingerprint === undefined
        ? Effect.fail(new JoinError({ reason: "TokenRefused", message: "NXMESH_JOIN_TOKEN is not a join token" }))
        : connectPinned(address, { fingerprint, from: "the join token" })
    }
  }
}

const payloadFor = Effect.fnUntraced(function* (
  { keyEncryptionKey, request }: Applicant,
  { channelBinding }: Pick<MemberConnection, "channelBinding">
) {
  const { publicKey, requestPem } = yield* certificateRequestFor(request.privateKeyPem)
  const payload: ReplacePayload = {
    certificate_request: requestPem,
    master: request.master,
    dns_names: request.names.dnsNames,
    ip_addresses: request.names.ipAddresses,
    key_proof: keyProof(Redacted.value(keyEncryptionKey), joinProofPurposes.keyFile, [publicKey, channelBinding])
  }
  return { payload, publicKey }
})

/** By the call that takes this proof. */
const callWith = Effect.fnUntraced(function* (
  address: Address,
  { channelBinding, socket }: MemberConnection,
  applicant: Applicant
) {
  const { credentials } = applicant
  const calls = (yield* callsOver(socket, address)).join
  const { payload, publicKey } = yield* Effect.orDie(payloadFor(applicant, { channelBinding }))
  switch (credentials._tag) {
    case "Certificate":
      return yield* calls.replace({ payload })
    case "Token":
      return yield* calls.join({ payload: { ...payload, proof: credentials } })
    case "ClusterSecret": {
      const secret = Redacted.value(credentials.secret)
      const mac = keyProof(secret, joinProofPurposes.newMaster, [publicKey, channelBinding])
      return yield* calls.join({ payload: { ...payload, proof: { _tag: "ClusterSecret", mac } } })
    }
  }
})

const send = (address: Address, connection: MemberConnection, applicant: Applicant) =>
  Effect.catchTags(callWith(address, connection, applicant), {
    PeerRefused: (refusal) => Effect.fail(joinErrorOf(refusal)),
    PeerUnavailable: ({ detail }) =>
      Effect.fail(new MemberUnreachable({ message: `${addressText(address)} cannot: ${detail}` })),
    HttpClientError: (error) =>
      Effect.fail(
        new MemberUnreachable({
          message:
            error.response?.status === 426
              ? `${addressText(address)} runs a version of NxMesh that knows no clusters`
              : `${addressText(address)} did not answer: ${error.message}`
        })
      ),
    SchemaError: () =>
      Effect.fail(
        new JoinError({
          reason: "WrongVersion",
          message: `${addressText(address)} answered what this version does not understand: install the version of NxMesh that the members run`
        })
      )
  })

const wrongAnswer = (address: Address, why: string): JoinError =>
  new JoinError({
    reason: "WrongAuthority",
    message: `the answer of ${addressText(address)} is not trusted: ${why}. It may be an impostor`
  })

/** Whether the authority in the answer is the one that the token names, or whose master showed that it knows the secret. */
const requireAuthority = Effect.fnUntraced(function* (
  address: Address,
  connection: MemberConnection,
  { authority_mac, authority_pem }: JoinAccepted,
  credentials: Credentials
) {
  const fingerprint = certificateFingerprint(authority_pem)
  if (credentials._tag === "Certificate") {
    if (certificateFingerprint(credentials.authorityPem) === fingerprint) return
    return yield* wrongAnswer(address, "its authority is not the one in node.json")
  }
  if (credentials._tag === "Token") {
    if (fingerprintInJoinToken(Redacted.value(credentials.token)) === fingerprint) return
    return yield* wrongAnswer(address, "its authority is not the one that the token names")
  }
  const texts = [fingerprint, connection.channelBinding]
  const secret = Redacted.value(credentials.secret)
  if (authority_mac === null || !isKeyProof(authority_mac, secret, joinProofPurposes.member, texts)) {
    return yield* wrongAnswer(address, "it did not show that it knows the cluster secret")
  }
  yield* requireMember(address, connection, authority_pem)
})

/** Whether the certificate is what was asked for. */
const requireOwn = Effect.fnUntraced(function* (
  address: Address,
  { authority_pem, certificate_pem }: JoinAccepted,
  { master, privateKeyPem }: Applicant["request"]
) {
  const certificate = new X509Certificate(certificate_pem)
  const judgement = judgeCertificate(certificate, authority_pem, "client", yield* Clock.currentTimeMillis)
  if (judgement._tag === "Fault") return yield* wrongAnswer(address, judgement.detail)
  const isOurs = certificate.checkPrivateKey(createPrivateKey(Redacted.value(privateKeyPem)))
  if (judgement.id !== master.id || !isOurs) return yield* wrongAnswer(address, "the certificate is for another master")
})

const readable = (address: Address, accepted: JoinAccepted) =>
  Effect.try({
    try: () => [new X509Certificate(accepted.authority_pem), new X509Certificate(accepted.certificate_pem)],
    catch: () => wrongAnswer(address, "it holds no certificates")
  })

/** Fails with `MemberUnreachable` when it may be tried again as it is, at this member or another one. */
export const attemptJoin = Effect.fn("JoinAttempt")(
  function* (
    address: Address,
    applicant: Applicant
  ): Effect.fn.Return<JoinAnswer, MemberUnreachable | JoinError, Scope.Scope> {
    const connection = yield* connectTo(address, applicant.credentials)
    const accepted = yield* send(address, connection, applicant)
    yield* readable(address, accepted)
    yield* requireAuthority(address, connection, accepted, applicant.credentials)
    yield* requireOwn(address, accepted, applicant.request)
    return {
      clusterId: accepted.cluster_id,
      certificatePem: accepted.certificate_pem,
      authorityPem: accepted.authority_pem,
      masters: accepted.masters
    }
  },
  Effect.scoped,
  (attempt, address) =>
    Effect.timeoutOrElse(attempt, {
      duration: Limits.joining.attemptTimeout,
      orElse: () =>
        Effect.fail(new MemberUnreachable({ message: `${addressText(address)} did not answer within the time for it` }))
    })
)
