import { assert, describe, it } from "@effect/vitest"
import { sealingKey } from "@nxmesh/core/crypto/KeyFile"
import { makeSealer, rewrapped } from "@nxmesh/core/crypto/Sealer"
import type { Command } from "@nxmesh/protocol/Command"
import { EnrolmentTokenId, KeyId } from "@nxmesh/protocol/Ids"
import type { SealedSecret } from "@nxmesh/protocol/model/SealedSecret"
import { Effect, Result } from "effect"
import { unstamped } from "../../src/api/Unstamped.ts"
import { Database } from "../../src/state/Database.ts"
import { fullDigest, stateDigest } from "../../src/state/digest/StateDigest.ts"
import { agentKeyTime, keyRotation, placesSealedWith } from "../../src/state/ReadKeys.ts"
import { agentKeys, signingKeys } from "../../src/state/ReadIdentities.ts"
import { rewrapRows } from "../../src/keys/Rewrapping.ts"
import { agentId, certificate, certificateId, uuid } from "../config/Fixtures.ts"
import { initialise } from "./TestCluster.ts"
import { create, hash, onMaster, rejected, saving, sealed, submit, tenant, update } from "./TestMaster.ts"

const old = sealingKey(Buffer.alloc(32, 1))
const next = sealingKey(Buffer.alloc(32, 2))
const seal = (text: string, place: string) => makeSealer(old).seal(Buffer.from(text), place)
const opened = (key: typeof old, secret: SealedSecret, place: string) =>
  Result.map(makeSealer(key).open(secret, place), (bytes) => Buffer.from(bytes).toString("utf8"))

const cluster = {
  ...initialise(),
  cluster_version: 4,
  ca_private_key: seal("authority", "cluster-ca"),
  signing_key: { key_id: "k1", public_jwk: { kty: "RSA" }, private_jwk: seal("jwk", "signing-key:k1") }
} as Command

const saveCertificate = (save = create as Parameters<typeof saving>[0]): Command => ({
  _tag: "SaveCertificate",
  ...saving(save),
  certificate: { ...unstamped(certificate(1)), private_key: seal("private", `certificate:${certificateId(1)}`) }
})

const begin: Command = { _tag: "BeginKeyRotation", from_key_id: old.keyId, to_key_id: next.keyId }
const end: Command = { _tag: "EndKeyRotation", to_key_id: next.keyId }

describe("the key-encryption key", () => {
  it.effect("is replaced in every table, a few rows to a command; ciphertexts and generations stay (rule 6)", () =>
    onMaster(
      Effect.gen(function* () {
        yield* submit(cluster)
        yield* tenant
        yield* submit(saveCertificate())
        yield* submit(
          {
            _tag: "CreateEnrolmentToken",
            id: EnrolmentTokenId.make(uuid(9, 1)),
            agent_id: agentId(1),
            token_hash: hash("1"),
            expires_at: "2100-01-01T00:00:00.000Z",
            sealed_token: seal("token", "token")
          },
          { idempotency: { key: "k", body_hash: hash("b") } }
        )
        const { reader } = yield* Database
        const before = placesSealedWith(reader, old.keyId, 100)
        assert.sameMembers(
          before.map(({ table }) => table),
          ["certificates", "cluster", "config_versions", "idempotency", "signing_keys"]
        )
        yield* submit(begin)
        for (let round = 0; round < 10; round++) {
          const rows = rewrapRows(placesSealedWith(reader, old.keyId, 2), old.keyId, (secret) =>
            Result.getOrThrow(rewrapped(secret, old, next))
          )
          if (rows.length === 0) break
          yield* submit({ _tag: "RewrapSecrets", from_key_id: old.keyId, to_key_id: next.keyId, rows })
        }
        assert.deepStrictEqual(placesSealedWith(reader, old.keyId, 100), [])
        assert.strictEqual(keyRotation(reader)?.rewrapped, before.length)
        const text = (sql: string) => JSON.parse(reader.get<{ text: string }>(sql)?.text ?? "null")
        const authority = text("SELECT ca_private_key AS text FROM cluster")
        assert.deepStrictEqual(opened(next, authority, "cluster-ca"), Result.succeed("authority"))
        const kept = text("SELECT data AS text FROM config_versions")
        const place = `certificate:${certificateId(1)}`
        assert.deepStrictEqual(opened(next, kept.private_key, place), Result.succeed("private"))
        const was = JSON.parse(before.find(({ table }) => table === "config_versions")?.text ?? "null")
        assert.deepStrictEqual({ ...kept, private_key: null }, { ...was, private_key: null })
        assert.strictEqual(kept.private_key.ciphertext, was.private_key.ciphertext)
        const { value } = yield* submit(end)
        assert.isString((value as { ended_at: string }).ended_at)
        assert.strictEqual(stateDigest(reader), fullDigest(reader))
      })
    )
  )

  it.effect("what changed between the leader's look and its command is left as it is", () =>
    onMaster(
      Effect.gen(function* () {
        yield* submit(cluster)
        yield* tenant
        yield* submit(saveCertificate())
        yield* submit(begin)
        const { reader } = yield* Database
        const places = placesSealedWith(reader, old.keyId, 100).filter(({ table }) => table === "certificates")
        const rows = rewrapRows(places, old.keyId, (secret) => Result.getOrThrow(rewrapped(secret, old, next)))
        const replaced = { ...unstamped(certificate(1)), private_key: sealed("another"), secret_version_id: uuid(7, 7) }
        yield* submit({ _tag: "SaveCertificate", ...saving(update()), certificate: replaced } as Command)
        const { value } = yield* submit({ _tag: "RewrapSecrets", from_key_id: old.keyId, to_key_id: next.keyId, rows })
        assert.deepStrictEqual(value, { rewrapped: 0 })
      })
    )
  )

  it.effect("goes to one key at a time, never ends what has not begun, and touches no table by a stranger's name", () =>
    onMaster(
      Effect.gen(function* () {
        yield* submit(cluster)
        assert.strictEqual((yield* rejected(end)).code, "CONFLICT")
        yield* submit(begin)
        assert.strictEqual((yield* rejected({ ...begin, to_key_id: "f".repeat(16) } as Command)).code, "CONFLICT")
        yield* submit(begin)
        const row = (table: string, column: string) => ({ table, key: { only: 1 }, column, wrapped: [] })
        for (const rows of [[row("audit", "before")], [row("cluster", 'x" = 1; --')], [row("nothing", "a")]]) {
          const command: Command = { _tag: "RewrapSecrets", from_key_id: old.keyId, to_key_id: next.keyId, rows }
          assert.strictEqual((yield* rejected(command)).code, "UNPROCESSABLE")
        }
      })
    )
  )
})

describe("signing keys", () => {
  const add = (key_id: string, signs_after_seconds: number): Command => ({
    _tag: "AddSigningKey",
    key_id,
    public_jwk: { kty: "RSA", kid: key_id },
    private_jwk: sealed("jwk"),
    signs_after_seconds
  })

  it.effect("a key that may still have good tokens is not retired, and its public half stays when it is", () =>
    onMaster(
      Effect.gen(function* () {
        yield* submit(cluster)
        yield* submit(add("k2", 600))
        const { reader } = yield* Database
        assert.deepStrictEqual(
          signingKeys(reader).map(({ key_id }) => key_id),
          ["k2", "k1"]
        )
        const refusal = yield* rejected({ _tag: "RetireSigningKey", key_id: "k1" })
        assert.strictEqual(refusal.code, "CONFLICT")
        assert.strictEqual((yield* rejected(add("k2", 0))).code, "CONFLICT")
      })
    )
  )
})

describe("an agent's session key", () => {
  it.effect("has its time, which goes with the agent", () =>
    onMaster(
      Effect.gen(function* () {
        yield* submit(cluster)
        yield* tenant
        const { reader, writer } = yield* Database
        writer.run(
          "INSERT INTO agent_keys (agent_id, public_key, primary_id, primary_key) VALUES (?, 'p', ?, ?)",
          agentId(1),
          uuid(3, 1),
          JSON.stringify(sealed("one"))
        )
        assert.isUndefined(agentKeyTime(reader, agentId(1)))
        yield* submit({
          _tag: "RotateAgentKey",
          agent_id: agentId(1),
          session_key: { key_id: KeyId.make(uuid(3, 2)), key: sealed("two") }
        })
        assert.isString(agentKeyTime(reader, agentId(1)))
        assert.strictEqual(agentKeys(reader, agentId(1))?.secondary?.key_id, uuid(3, 1))
        yield* submit({ _tag: "DeleteAgent", if_match: null, id: agentId(1) })
        assert.isUndefined(agentKeyTime(reader, agentId(1)))
      })
    )
  )
})
