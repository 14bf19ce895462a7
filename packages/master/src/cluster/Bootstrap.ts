/**
 * Opens what the cluster's first entry holds: its id, its authority, its signing key. The first master of a cluster makes
 * that entry, and its administrator with it; every other waits until its state holds it. With another key file than the
 * cluster's the start stops and says so, before anything is written that only the wrong key could open.
 */
import { certificateFingerprint } from "@nxmesh/core/crypto/Fingerprint"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { clusterVersions } from "@nxmesh/protocol/ClusterVersion"
import { UserId } from "@nxmesh/protocol/Ids"
import { Context, Data, Effect, Layer, Redacted, Schedule } from "effect"
import { Passwords } from "../auth/Passwords.ts"
import { liveSigningKeys, openSigningKey } from "../auth/LiveSigningKeys.ts"
import { makeSigningKey, SigningKeys } from "../auth/SigningKeys.ts"
import { Commands } from "../command/Commands.ts"
import { describeMaster } from "../consensus/Description.ts"
import { type FormingCluster, NodeIdentity } from "../consensus/NodeIdentity.ts"
import { Limits } from "../Limits.ts"
import { sealedPlaces, Secrets } from "../secrets/Secrets.ts"
import { openWithKeyFile } from "../secrets/WrongKeyFile.ts"
import { Settings } from "../Settings.ts"
import type { StoredCluster } from "../state/ReadIdentities.ts"
import { Reads } from "../state/Reads.ts"
import { Cluster } from "./Cluster.ts"
import { firstAdministrator } from "./FirstAdministrator.ts"

export class BootstrapError extends Data.TaggedError("BootstrapError")<{
  readonly reason: "NotInitialised"
  readonly message: string
}> {}

const initialise = Effect.fn("Bootstrap.initialise")(function* (forming: FormingCluster) {
  const commands = yield* Commands
  const { clusterId, nodeId } = yield* NodeIdentity
  const identifiers = yield* Identifiers
  const passwords = yield* Passwords
  const secrets = yield* Secrets
  const settings = yield* Settings
  const signingKey = yield* makeSigningKey
  const administrator = yield* firstAdministrator({
    dataDirectory: settings.dataDirectory,
    email: settings.adminEmail,
    password: settings.adminPassword
  })
  const privateJwk = Redacted.make(JSON.stringify(Redacted.value(signingKey.privateJwk)))
  yield* commands.submit({
    principal: { _tag: "System", component: "bootstrap" },
    command: {
      _tag: "InitialiseCluster",
      cluster_id: clusterId,
      ca_certificate_pem: forming.certificatePem,
      ca_private_key: forming.sealedPrivateKey,
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
      },
      master: describeMaster(settings, nodeId),
      cluster_version: clusterVersions.highest
    }
  })
  yield* Effect.logInfo("made a new cluster", {
    cluster_id: clusterId,
    administrator: administrator.email,
    ...(administrator.file === null ? {} : { first_login: administrator.file })
  })
})

const open = Effect.fn("Bootstrap.open")(function* (stored: StoredCluster) {
  const privateKeyPem = yield* openWithKeyFile(stored.ca_private_key, sealedPlaces.clusterCa)
  const keys = yield* Effect.forEach(stored.signing_keys, openSigningKey)
  const [first, ...rest] = keys
  if (first === undefined) {
    return yield* new BootstrapError({ reason: "NotInitialised", message: "the cluster's state holds no signing key" })
  }
  const cluster = Cluster.of({
    clusterId: stored.cluster_id,
    authority: { certificatePem: stored.ca_certificate_pem, privateKeyPem },
    authorityFingerprint: certificateFingerprint(stored.ca_certificate_pem)
  })
  const signingKeys = yield* liveSigningKeys(`urn:nxmesh:cluster:${stored.cluster_id}`, [first, ...rest])
  return Context.make(Cluster, cluster).pipe(Context.add(SigningKeys, signingKeys))
})

/** The state's cluster as soon as it holds one, which it gets from the log or from another master. */
const awaitCluster = Effect.gen(function* () {
  const reads = yield* Reads
  const commands = yield* Commands
  const found = yield* reads.cluster
  if (found !== undefined) return found
  const complaint = Effect.flatMap(commands.problem, (problem) =>
    Effect.logInfo("waiting for the cluster's state", { why: problem ?? "the cluster's first entry is on its way" })
  )
  const waiting = Effect.repeat(complaint, Schedule.spaced(Limits.cluster.waitingLogInterval)).pipe(
    Effect.delay(Limits.cluster.waitingLogInterval),
    Effect.andThen(Effect.never)
  )
  const held = Effect.repeat(reads.cluster, {
    until: (cluster) => cluster !== undefined,
    schedule: Schedule.spaced(Limits.cluster.stateCheckInterval)
  })
  const cluster = yield* Effect.raceFirst(Effect.raceFirst(held, waiting), commands.failure)
  return cluster as StoredCluster
})

/** For the first master: makes the cluster unless the log holds it, of a start that was cut short. */
const make = Effect.fn("Bootstrap.make")(function* (forming: FormingCluster) {
  const reads = yield* Reads
  const commands = yield* Commands
  const identity = yield* NodeIdentity
  yield* Effect.raceFirst(commands.caughtUp, commands.failure)
  if ((yield* reads.cluster) === undefined) yield* initialise(forming)
  const made = yield* reads.cluster
  if (made === undefined) {
    return yield* new BootstrapError({
      reason: "NotInitialised",
      message: "the cluster was initialised, and yet its state does not hold it; look for errors of apply in the log"
    })
  }
  yield* identity.formed
  return made
})

export const bootstrap = Effect.gen(function* () {
  const { forming } = yield* NodeIdentity
  return yield* open(forming === null ? yield* awaitCluster : yield* make(forming))
}).pipe(Effect.withSpan("Bootstrap"))

/** Everything that needs the cluster's keys depends on this, so nothing serves before the cluster stands. */
export const BootstrapLayer = Layer.effectContext(bootstrap).pipe(Layer.provide(Identifiers.layer))
