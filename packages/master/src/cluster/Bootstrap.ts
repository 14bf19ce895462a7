/**
 * Makes the cluster at the first start: its id, its authority, its signing key and its first administrator, in one
 * entry of the log. Every later start opens what that entry holds; with another key file it stops and says so, before
 * anything is written that only the wrong key could open.
 */
import { makeCertificateAuthority } from "@nxmesh/core/crypto/CertificateAuthority"
import { certificateFingerprint } from "@nxmesh/core/crypto/Fingerprint"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import type { SealError } from "@nxmesh/core/crypto/Sealer"
import { ClusterId, UserId } from "@nxmesh/protocol/Ids"
import { Context, Data, Effect, Layer, Redacted } from "effect"
import type { JWK } from "jose"
import { Passwords } from "../auth/Passwords.ts"
import { makeSigningKey, type SigningKey, SigningKeys } from "../auth/SigningKeys.ts"
import { Commands } from "../command/Commands.ts"
import { sealedPlaces, Secrets } from "../secrets/Secrets.ts"
import { Settings } from "../Settings.ts"
import type { StoredCluster } from "../state/ReadIdentities.ts"
import { Reads } from "../state/Reads.ts"
import { Cluster } from "./Cluster.ts"
import { type AdministratorOptions, firstAdministrator } from "./FirstAdministrator.ts"

export class BootstrapError extends Data.TaggedError("BootstrapError")<{
  readonly reason: "WrongKeyFile" | "NotInitialised"
  readonly message: string
}> {}

const initialise = Effect.fn("Bootstrap.initialise")(function* (options: AdministratorOptions) {
  const commands = yield* Commands
  const identifiers = yield* Identifiers
  const passwords = yield* Passwords
  const secrets = yield* Secrets
  const clusterId = ClusterId.make(yield* identifiers.uuid)
  const authority = yield* makeCertificateAuthority(`NxMesh ${clusterId}`)
  const signingKey = yield* makeSigningKey
  const administrator = yield* firstAdministrator(options)
  const privateJwk = Redacted.make(JSON.stringify(Redacted.value(signingKey.privateJwk)))
  yield* commands.submit({
    principal: { _tag: "System", component: "bootstrap" },
    command: {
      _tag: "InitialiseCluster",
      cluster_id: clusterId,
      ca_certificate_pem: authority.certificatePem,
      ca_private_key: yield* secrets.seal(authority.privateKeyPem, sealedPlaces.clusterCa),
      signing_key: {
        key_id: signingKey.keyId,
        public_jwk: signingKey.publicJwk,
        private_jwk: yield* secrets.seal(privateJwk, sealedPlaces.signingKey(signingKey.keyId))
      },
      administrator: {
        id: UserId.make(yield* identifiers.uuid),
        email: administrator.email,
        name: "Administrator",
        role: "admin",
        disabled: false,
        password_hash: yield* passwords.hash(administrator.password)
      }
    }
  })
  yield* Effect.logInfo("made a new cluster", {
    cluster_id: clusterId,
    administrator: administrator.email,
    ...(administrator.file === null ? {} : { first_login: administrator.file })
  })
})

const wrongKeyFile = (keyFile: string) => (error: SealError) =>
  new BootstrapError({
    reason: "WrongKeyFile",
    message:
      `the key file ${keyFile} does not open this cluster's secrets: ${error.message}. ` +
      `Put the key file back that this data directory was made with, or name it with NXMESH_SECRETS_KEY_FILE`
  })

const open = Effect.fn("Bootstrap.open")(function* (stored: StoredCluster) {
  const secrets = yield* Secrets
  const refusal = wrongKeyFile(secrets.keyFile)
  const privateKeyPem = yield* Effect.mapError(secrets.open(stored.ca_private_key, sealedPlaces.clusterCa), refusal)
  const keys = yield* Effect.forEach(stored.signing_keys, (key) =>
    secrets.open(key.private_jwk, sealedPlaces.signingKey(key.key_id)).pipe(
      Effect.mapError(refusal),
      Effect.map((jwk): SigningKey => ({
        keyId: key.key_id,
        publicJwk: key.public_jwk as JWK,
        privateJwk: Redacted.make(JSON.parse(Redacted.value(jwk)) as JWK)
      }))
    )
  )
  const [first, ...rest] = keys
  if (first === undefined) {
    return yield* new BootstrapError({ reason: "NotInitialised", message: "the cluster's state holds no signing key" })
  }
  const cluster = Cluster.of({
    clusterId: stored.cluster_id,
    authority: { certificatePem: stored.ca_certificate_pem, privateKeyPem },
    authorityFingerprint: certificateFingerprint(stored.ca_certificate_pem)
  })
  const signingKeys = SigningKeys.of({
    issuer: `urn:nxmesh:cluster:${stored.cluster_id}`,
    keys: [first, ...rest]
  })
  return Context.make(Cluster, cluster).pipe(Context.add(SigningKeys, signingKeys))
})

export const bootstrap = Effect.fn("Bootstrap")(function* (options: AdministratorOptions) {
  const reads = yield* Reads
  const found = yield* reads.cluster
  if (found !== undefined) return yield* open(found)
  yield* initialise(options)
  const made = yield* reads.cluster
  if (made === undefined) {
    return yield* new BootstrapError({
      reason: "NotInitialised",
      message: "the cluster was initialised, and yet its state does not hold it; look for errors of apply in the log"
    })
  }
  return yield* open(made)
})

/** Everything that needs the cluster's keys depends on this, so nothing serves before the cluster stands. */
export const BootstrapLayer = Layer.effectContext(
  Effect.flatMap(Settings, ({ adminEmail, adminPassword, dataDirectory }) =>
    bootstrap({ dataDirectory, email: adminEmail, password: adminPassword })
  )
).pipe(Layer.provide(Identifiers.layer))
