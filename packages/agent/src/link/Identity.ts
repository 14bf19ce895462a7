/**
 * Who this agent is: an Ed25519 key it made itself, and what the master gave it at enrolment. Kept in the data directory,
 * mode 0600, keys sealed under a key file of their own, so that a copied identity file alone is worth nothing.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto"
import { join } from "node:path"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { loadOrCreateKeyFile } from "@nxmesh/core/crypto/KeyFile"
import { PrivateFileError, readPrivateFile } from "@nxmesh/core/crypto/PrivateFile"
import { makeSealer } from "@nxmesh/core/crypto/Sealer"
import * as AtomicFile from "@nxmesh/core/file/AtomicFile"
import type { FileError } from "@nxmesh/core/file/FileError"
import { AgentId, ClusterId, KeyId } from "@nxmesh/protocol/Ids"
import type { Enrolled, SessionKey } from "@nxmesh/protocol/link/Registration"
import { SealedSecret } from "@nxmesh/protocol/model/SealedSecret"
import { Context, Effect, Layer, Redacted, Ref, Schema, Semaphore } from "effect"

const Enrolment = Schema.Struct({
  agent_id: AgentId,
  cluster_id: ClusterId,
  key_id: KeyId,
  session_key: SealedSecret,
  masters: Schema.Array(Schema.String),
  /** SHA-256 of the token that was used: another one in the settings means that an operator wants a new enrolment. */
  token_hash: Schema.String,
  /** The pin that held then, for starts without NXMESH_CA_FINGERPRINT. */
  ca_fingerprint: Schema.String
})

const IdentityFile = Schema.Struct({
  version: Schema.Literal(1),
  private_key: SealedSecret,
  /** Counts connections. */
  connection_epoch: Schema.Int,
  enrolment: Schema.NullOr(Enrolment)
})
type IdentityFile = typeof IdentityFile.Type
const FromText = Schema.fromJsonString(IdentityFile)

export interface EnrolledIdentity {
  readonly agentId: AgentId
  readonly clusterId: ClusterId
  readonly keyId: KeyId
  readonly key: Redacted.Redacted<Uint8Array>
  readonly masters: ReadonlyArray<string>
  readonly tokenHash: string
  readonly caFingerprint: string
}

/** With what an enrolment was made. */
export interface EnrolledBy {
  readonly tokenHash: string
  readonly caFingerprint: string
}

export type IdentityError = PrivateFileError | FileError

export class Identity extends Context.Service<
  Identity,
  {
    /** Ed25519, SPKI in base64. */
    readonly publicKey: string
    /** An Ed25519 signature of the text, base64. */
    readonly prove: (text: string) => string
    /** `null` before enrolment. */
    readonly enrolled: Effect.Effect<EnrolledIdentity | null>
    readonly enrol: (answer: Enrolled, by: EnrolledBy) => Effect.Effect<EnrolledIdentity, IdentityError>
    readonly rotate: (key: SessionKey) => Effect.Effect<void, IdentityError>
    /** What the cluster says of its masters now; nothing is written when that is known. */
    readonly learn: (masters: ReadonlyArray<string>) => Effect.Effect<void, IdentityError>
    /** One more than the last, durable before it is used. */
    readonly nextEpoch: Effect.Effect<number, FileError>
  }
>()("@nxmesh/agent/link/Identity") {
  static readonly layer = (dataDirectory: string) =>
    Layer.effect(Identity, makeIdentity(dataDirectory)).pipe(Layer.provide(Identifiers.layer))
}

const places = { privateKey: "agent-identity:private-key", sessionKey: "agent-identity:session-key" } as const

const makeIdentity = Effect.fn("Identity.load")(function* (dataDirectory: string) {
  const path = join(dataDirectory, "identity.json")
  yield* AtomicFile.makeDirectory(dataDirectory)
  const sealer = makeSealer(yield* loadOrCreateKeyFile(join(dataDirectory, "identity.key")))
  const damaged = (why: string) =>
    new PrivateFileError({
      path,
      reason: "Content",
      message: `${path} cannot be used: ${why}; remove it and enrol the agent again with a new token`
    })
  const open = (sealed: SealedSecret, place: string) =>
    Effect.fromResult(sealer.open(sealed, place)).pipe(Effect.mapError(({ message }) => damaged(message)))
  const save = (file: IdentityFile) =>
    Schema.encodeEffect(FromText)(file).pipe(
      Effect.orDie,
      Effect.flatMap((text) => AtomicFile.write(path, text))
    )
  const make = Effect.suspend(() => {
    const der = generateKeyPairSync("ed25519").privateKey.export({ format: "der", type: "pkcs8" })
    const file: IdentityFile = {
      version: 1,
      private_key: sealer.seal(der, places.privateKey),
      connection_epoch: 0,
      enrolment: null
    }
    return Effect.as(save(file), file)
  })
  const load = readPrivateFile(path).pipe(
    Effect.flatMap((bytes) =>
      Schema.decodeEffect(FromText)(Buffer.from(bytes).toString("utf8")).pipe(
        Effect.mapError(() => damaged("it is not an identity of this version"))
      )
    ),
    Effect.catchIf(
      ({ reason }) => reason === "NotFound",
      () => make
    )
  )

  const file = yield* Ref.make(yield* load)
  const privateKey: KeyObject = createPrivateKey({
    key: Buffer.from(yield* open((yield* Ref.get(file)).private_key, places.privateKey)),
    format: "der",
    type: "pkcs8"
  })
  const unsealed = Effect.fnUntraced(function* ({ enrolment }: IdentityFile) {
    if (enrolment === null) return null
    const identity: EnrolledIdentity = {
      agentId: enrolment.agent_id,
      clusterId: enrolment.cluster_id,
      keyId: enrolment.key_id,
      key: Redacted.make(yield* open(enrolment.session_key, places.sessionKey)),
      masters: enrolment.masters,
      tokenHash: enrolment.token_hash,
      caFingerprint: enrolment.ca_fingerprint
    }
    return identity
  })
  const enrolled = yield* Ref.make(yield* unsealed(yield* Ref.get(file)))

  const lock = yield* Semaphore.make(1)
  /** Durable first, in use after. */
  const change = (next: (file: IdentityFile) => IdentityFile) =>
    lock.withPermit(
      Effect.gen(function* () {
        const changed = next(yield* Ref.get(file))
        yield* save(changed)
        yield* Ref.set(file, changed)
        return changed
      })
    )
  const sealKey = (base64: string) => sealer.seal(Buffer.from(base64, "base64"), places.sessionKey)

  return Identity.of({
    publicKey: createPublicKey(privateKey).export({ format: "der", type: "spki" }).toString("base64"),
    prove: (text) => sign(null, Buffer.from(text), privateKey).toString("base64"),
    enrolled: Ref.get(enrolled),
    enrol: Effect.fn("Identity.enrol")(function* (answer, { caFingerprint, tokenHash }) {
      const { agent_id, cluster_id, key_id, masters } = answer
      const enrolment = {
        agent_id,
        cluster_id,
        key_id,
        masters,
        session_key: sealKey(answer.session_key),
        token_hash: tokenHash,
        ca_fingerprint: caFingerprint
      }
      const identity = yield* unsealed(yield* change((old) => ({ ...old, enrolment })))
      if (identity === null) return yield* damaged("the enrolment was not kept")
      yield* Ref.set(enrolled, identity)
      return identity
    }),
    rotate: Effect.fn("Identity.rotate")(function* ({ key_id, session_key }) {
      const changed = yield* change((old) => ({
        ...old,
        enrolment: old.enrolment && { ...old.enrolment, key_id, session_key: sealKey(session_key) }
      }))
      yield* Ref.set(enrolled, yield* unsealed(changed))
    }),
    learn: Effect.fn("Identity.learn")(function* (masters) {
      const known = (yield* Ref.get(file)).enrolment?.masters
      const isNew = masters.length !== known?.length || masters.some((master) => !known.includes(master))
      if (known === undefined || masters.length === 0 || !isNew) return
      const changed = yield* change((old) => ({ ...old, enrolment: old.enrolment && { ...old.enrolment, masters } }))
      yield* Ref.set(enrolled, yield* unsealed(changed))
    }),
    nextEpoch: Effect.map(
      change((old) => ({ ...old, connection_epoch: old.connection_epoch + 1 })),
      ({ connection_epoch }) => connection_epoch
    )
  })
})
