import { assert, describe, it } from "@effect/vitest"
import { makeSigningKey } from "@nxmesh/master/auth/SigningKeys"
import { ClusterId } from "@nxmesh/protocol/Ids"
import type { AuditPoint } from "@nxmesh/protocol/model/Audit"
import { Effect, Redacted, Stream } from "effect"
import { auditKeyOf, exportStream, verifyChain } from "../../src/audit/AuditExports.ts"
import { ExportCheck, type ExportCheckOptions } from "../../src/audit/ExportCheck.ts"
import { type HeadClaims, openHead, signHead } from "../../src/audit/SignedHead.ts"
import { Database } from "../../src/state/Database.ts"
import { auditHead, auditMarks, type AuditVisibility } from "../../src/state/ReadAudit.ts"
import { organization, uuid } from "../config/Fixtures.ts"
import { initialise } from "../state/TestCluster.ts"
import { onMaster, rejected, saveOrganization, submit, tenant } from "../state/TestMaster.ts"

/** One key for all that need no other: to make one takes a while. */
const oneKey = Effect.runSync(Effect.cached(makeSigningKey))

const clusterId = ClusterId.make(uuid(0xc, 1))
const start = { entry: 0, hash: "0".repeat(64) } as AuditPoint

const bytesOf = (visible: AuditVisibility = "all", after: AuditPoint = start) =>
  Effect.gen(function* () {
    const { reader } = yield* Database
    const signer = yield* oneKey
    const head = auditHead(reader)
    const parts = yield* Stream.runCollect(
      exportStream({ clusterId, visible, after, head, marks: auditMarks(reader), signer })
    )
    return { bytes: Buffer.concat(parts), keys: [auditKeyOf(signer)], head, signer }
  })

const check = (bytes: Buffer, options: Partial<ExportCheckOptions> = {}) => {
  const reading = new ExportCheck({ keys: null, kept: null, ...options })
  let from = 0
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
    const problem = reading.line(bytes.subarray(from, end))
    if (problem !== null) return { problem }
    from = end + 1
  }
  return from === bytes.length ? reading.end() : { problem: "the last line is not ended" }
}

const begun = Effect.gen(function* () {
  yield* submit({ ...initialise(), cluster_version: 4 } as Parameters<typeof submit>[0])
  yield* tenant
  yield* rejected(saveOrganization(1))
})

describe("an export of the audit", () => {
  it.effect("is verified offline, with the cluster's keys and with its own", () =>
    onMaster(
      Effect.gen(function* () {
        yield* begun
        const { bytes, head, keys } = yield* bytesOf()
        assert.deepInclude(check(bytes, { keys }), { rows: 5, gaps: 0, after: start, head, trusted: true })
        assert.deepInclude(check(bytes), { rows: 5, trusted: false })
        const other = [auditKeyOf(yield* makeSigningKey)]
        assert.property(check(bytes, { keys: other }), "problem")
      })
    )
  )

  it.effect("tells of any byte that changed, whichever bit of it", () =>
    onMaster(
      Effect.gen(function* () {
        yield* submit({ ...initialise(), cluster_version: 4 } as Parameters<typeof submit>[0])
        const { bytes, keys } = yield* bytesOf()
        const lastLine = bytes.lastIndexOf(10, bytes.length - 2) + 1
        for (let at = 0; at < bytes.length; at++) {
          const bit = 1 << (at % 8)
          const changed = Buffer.from(bytes)
          changed[at] = (changed[at] ?? 0) ^ bit
          assert.property(check(changed, { keys }), "problem", `byte ${at}, bit ${bit}`)
          if (at >= lastLine) assert.property(check(changed), "problem", `byte ${at}, bit ${bit}, by its own key`)
        }
      })
    )
  )

  it.effect("tells of a row that is missing, was added or stands elsewhere, and of an end that is cut off", () =>
    onMaster(
      Effect.gen(function* () {
        yield* begun
        const { bytes, keys } = yield* bytesOf()
        const lines = bytes.toString("utf8").split("\n").slice(0, -1)
        const whole = (some: ReadonlyArray<string>) =>
          check(Buffer.from(some.map((line) => `${line}\n`).join("")), { keys })
        assert.notProperty(whole(lines), "problem")
        for (let at = 0; at < lines.length; at++) {
          const line = lines[at] ?? ""
          assert.property(whole(lines.toSpliced(at, 1)), "problem", `without line ${at}`)
          assert.property(whole(lines.toSpliced(at, 0, line)), "problem", `line ${at} twice`)
          assert.property(whole(lines.slice(0, at)), "problem", `cut before line ${at}`)
          if (at > 0)
            assert.property(whole(lines.toSpliced(at - 1, 2, line, lines[at - 1] ?? "")), "problem", `moved ${at}`)
        }
      })
    )
  )

  it.effect("of an organization has its rows, and gaps where others stand", () =>
    onMaster(
      Effect.gen(function* () {
        yield* begun
        yield* submit(saveOrganization(2))
        const { bytes, keys } = yield* bytesOf({ organizationIds: [organization(2)], workspaceIds: [] })
        assert.deepInclude(check(bytes, { keys }), { rows: 1, gaps: 1 })
        assert.notInclude(bytes.toString("utf8"), organization(1))
      })
    )
  )

  it.effect("shows whether what stood before a head that was kept is what it was", () =>
    onMaster(
      Effect.gen(function* () {
        yield* begun
        const { bytes, head, keys, signer } = yield* bytesOf()
        const claims = { ...head, cluster_id: clusterId, signed_at: "2026-03-02T14:30:00.000Z", anchor: start }
        const kept: HeadClaims = {
          ...claims,
          entry: 3,
          hash: (yield* Database).reader.get<{ hash: string }>("SELECT hash FROM audit WHERE entry = 3")?.hash as never
        }
        const signature = signHead(kept, signer.keyId, Redacted.value(signer.privateJwk) as never)
        assert.deepStrictEqual(openHead(signature, keys), { claims: kept, keyId: signer.keyId })
        assert.notProperty(check(bytes, { keys, kept }), "problem")
        assert.property(check(bytes, { keys, kept: { ...kept, hash: head.hash } }), "problem")
      })
    )
  )

  it.effect("begins behind any entry, and the live chain is whole", () =>
    onMaster(
      Effect.gen(function* () {
        yield* begun
        const { reader } = yield* Database
        const row = reader.get<AuditPoint>("SELECT entry, hash FROM audit WHERE entry = 3") ?? start
        const { bytes, keys } = yield* bytesOf("all", row)
        assert.deepInclude(check(bytes, { keys }), { rows: 2, after: row })
        assert.deepInclude(yield* verifyChain, { whole: true, rows: 5, problem: null })
        const { writer } = yield* Database
        writer.run("UPDATE audit SET outcome = 'accepted' WHERE entry = 5")
        const found = yield* verifyChain
        assert.isFalse(found.whole)
        assert.include(found.problem, "entry 5")
      })
    )
  )
})
