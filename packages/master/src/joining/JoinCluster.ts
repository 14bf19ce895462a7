/**
 * How a master that belongs to no cluster becomes a member of one: it asks the members that its operator named. Called
 * at the first start, before Raft and the state exist here; `consensus/Formation` decides when, and keeps the answer.
 */
import type { KeyedCertificate } from "@nxmesh/core/crypto/CertificateAuthority"
import type { Address } from "@nxmesh/core/settings/SettingValues"
import type { ClusterId } from "@nxmesh/protocol/Ids"
import type { MasterDescription } from "@nxmesh/protocol/model/Master"
import { Context, Data, type Effect, type Redacted } from "effect"

/** Why the members should let it in. */
export type JoinProof =
  /** A one-time token, which pins the cluster's authority. */
  | { readonly _tag: "Token"; readonly token: Redacted.Redacted<string> }
  /** A secret that all masters of the cluster have in a file. */
  | {
      readonly _tag: "ClusterSecret"
      readonly secretFile: string
      /** So many masters make the cluster, when none is there yet; `null`: one is, or will be made by others. */
      readonly expect: number | null
    }
  /** The certificate of the member whose place this master takes. */
  | { readonly _tag: "Certificate"; readonly certificate: KeyedCertificate; readonly authorityPem: string }

export interface JoinRequest {
  /** Agent addresses of members, to be tried in turn. */
  readonly members: ReadonlyArray<Address>
  readonly proof: JoinProof
  /** As this master will be stored; its id is its own for good, and the same in every attempt. */
  readonly master: MasterDescription
  /** What its certificate is to name, beside its id. */
  readonly names: { readonly dnsNames: ReadonlyArray<string>; readonly ipAddresses: ReadonlyArray<string> }
  /** Of the certificate (P-256, PKCS #8), the same in every attempt, so that a lost answer can be asked for again. */
  readonly privateKeyPem: Redacted.Redacted<string>
  /** Where the key-encryption key is, which a member compares by a proof and nobody sends. */
  readonly keyFile: string
  /** Where this master listens for agents: unused until it has joined. */
  readonly listen: Address
}

export interface JoinAnswer {
  readonly clusterId: ClusterId
  readonly certificatePem: string
  readonly authorityPem: string
  /** The members, from which Raft finds its way. */
  readonly masters: ReadonlyArray<MasterDescription>
}

export type JoinOutcome =
  | { readonly _tag: "Joined"; readonly answer: JoinAnswer }
  /** Nobody has a cluster, and of all that were expected this master is the one that makes it. */
  | { readonly _tag: "MakesCluster" }

export class JoinError extends Data.TaggedError("JoinError")<{
  readonly reason:
    | "Unreachable"
    | "TokenRefused"
    | "SecretRefused"
    | "WrongKeyFile"
    | "WrongAuthority"
    | "WrongVersion"
    | "NameTaken"
    | "AddressTaken"
    | "Full"
    | "Removed"
    | "Settings"
    | "Refused"
  /** What is wrong, and what the operator should do. */
  readonly message: string
}> {}

export class JoinCluster extends Context.Service<
  JoinCluster,
  {
    /** Asks until a member answers for good. May be repeated with the same request, also after a crash. */
    readonly join: (request: JoinRequest) => Effect.Effect<JoinOutcome, JoinError>
  }
>()("@nxmesh/master/joining/JoinCluster") {}
