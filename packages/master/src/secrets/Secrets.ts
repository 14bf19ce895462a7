/**
 * Seals what must not be read from the log, a snapshot or a backup, with the key file of this machine. Every secret is
 * sealed before a command exists. The associated data names the secret's place; `sealedPlaces` has them all.
 */
import { dirname, join } from "node:path"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { loadKeyFile, loadOrCreateKeyFile } from "@nxmesh/core/crypto/KeyFile"
import { isKeyProof } from "@nxmesh/core/crypto/KeyProof"
import type { SealError } from "@nxmesh/core/crypto/Sealer"
import { makeDirectory } from "@nxmesh/core/file/AtomicFile"
import type { SealedSecret } from "@nxmesh/protocol/model/SealedSecret"
import { Context, Effect, Layer, Redacted } from "effect"
import { Settings } from "../Settings.ts"
import { type KeyRing, makeKeyRing } from "./KeyRing.ts"

export class Secrets extends Context.Service<
  Secrets,
  {
    /** Names the key-encryption key that seals now, as in `SealedSecret.key_id`. */
    readonly keyId: () => string
    /** All that are here, for whoever rotates them. */
    readonly ring: KeyRing
    /** Where the key is, for messages to the operator. */
    readonly keyFile: string
    readonly seal: (
      plain: Redacted.Redacted<string> | Redacted.Redacted<Uint8Array>,
      associatedData: string
    ) => Effect.Effect<SealedSecret>
    /** Fails when the secret was sealed by another key, for another place, or was changed. */
    readonly open: (sealed: SealedSecret, associatedData: string) => Effect.Effect<Redacted.Redacted<string>, SealError>
    readonly openBytes: (
      sealed: SealedSecret,
      associatedData: string
    ) => Effect.Effect<Redacted.Redacted<Uint8Array>, SealError>
    /** Whether who made the proof has the same key-encryption key (core/crypto/KeyProof). */
    readonly isProof: (proof: string, purpose: string, texts: ReadonlyArray<string | Uint8Array>) => boolean
  }
>()("@nxmesh/master/secrets/Secrets") {
  /** With `create`, a key is made where there is none: right for the data directory, wrong for a path the operator named. */
  static readonly layerAt = (options: { readonly keyFile: string; readonly create: boolean }) =>
    Layer.effect(
      Secrets,
      Effect.gen(function* () {
        if (options.create) yield* makeDirectory(dirname(options.keyFile))
        const key = yield* options.create ? loadOrCreateKeyFile(options.keyFile) : loadKeyFile(options.keyFile)
        const ring = yield* makeKeyRing(options.keyFile, key)
        const openBytes = (sealed: SealedSecret, associatedData: string) =>
          Effect.map(ring.open(sealed, associatedData), (plain) => Redacted.make(plain))
        return Secrets.of({
          keyId: () => ring.active().key.keyId,
          ring,
          keyFile: options.keyFile,
          seal: (plain, associatedData) =>
            Effect.sync(() => {
              const value: string | Uint8Array = Redacted.value<string | Uint8Array>(plain)
              return ring.active().sealer.seal(typeof value === "string" ? Buffer.from(value) : value, associatedData)
            }),
          open: (sealed, associatedData) =>
            Effect.map(openBytes(sealed, associatedData), (plain) =>
              Redacted.make(Buffer.from(Redacted.value(plain)).toString("utf8"))
            ),
          openBytes,
          isProof: (proof, purpose, texts) =>
            ring.keys().some((held) => isKeyProof(proof, Redacted.value(held.key), purpose, texts))
        })
      })
    ).pipe(Layer.provide(Identifiers.layer))

  /** The key file of the settings, or one made in the data directory. */
  static readonly layer = Layer.unwrap(
    Effect.map(Settings, ({ dataDirectory, secretsKeyFile }) =>
      secretsKeyFile === null
        ? Secrets.layerAt({ keyFile: join(dataDirectory, "secrets.key"), create: true })
        : Secrets.layerAt({ keyFile: secretsKeyFile, create: false })
    )
  )
}

/** The associated data of each place a secret may be sealed for. */
export const sealedPlaces = {
  certificate: (certificateId: string) => `certificate:${certificateId}`,
  agentKey: (agentId: string, keyId: string) => `agent-key:${agentId}:${keyId}`,
  signingKey: (keyId: string) => `signing-key:${keyId}`,
  clusterCa: "cluster-ca",
  serverCertificate: "server-certificate",
  enrolmentToken: (tokenId: string) => `enrolment-token:${tokenId}`,
  joinToken: (tokenId: string) => `join-token:${tokenId}`,
  webhook: (webhookId: string) => `webhook:${webhookId}`,
  refreshToken: (sessionId: string) => `refresh-token:${sessionId}`,
  apiKey: (keyId: string) => `api-key:${keyId}`,
  passwordLink: (tokenId: string) => `password-link:${tokenId}`
} as const
