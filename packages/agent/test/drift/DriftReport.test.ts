import { offerOf } from "@nxmesh/agent/drift/Acceptance"
import { driftAlert } from "@nxmesh/agent/drift/DriftAlert"
import type { Finding } from "@nxmesh/agent/drift/DriftJudgement"
import { driftOf, merged, type Texts } from "@nxmesh/agent/drift/DriftReport"
import { includesIn, isOfTree } from "@nxmesh/agent/drift/ForeignIncludes"
import type { SettledTree } from "@nxmesh/agent/drift/SettledTree"
import { afterSettled, afterWell, type Shown } from "@nxmesh/agent/drift/Shown"
import { DeploymentId, Generation } from "@nxmesh/protocol/Ids"
import { Limits as WireLimits } from "@nxmesh/protocol/Limits"
import { Drift } from "@nxmesh/protocol/model/Drift"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"

const generation = Generation.make("a".repeat(64))
const about = { found_at: "2026-03-02T14:30:00.000Z", generation }
const host = "http/20-host-a.conf"
const finding = (more: Partial<Finding> = {}): Finding => ({
  kind: "changed",
  path: host,
  detail: null,
  changedMillis: 1,
  ...more
})
const texts =
  (settled: string | null, found: string | null, isSecret = false) =>
  (): Texts => ({ settled, found, isSecret })
const diffOf = (one: Finding, of: () => Texts) => driftOf(about, "alerted", [one], of).files[0]?.diff ?? ""

describe("driftOf", () => {
  it("compares what settled with what was found", () => {
    const diff = diffOf(finding(), texts("one\n", "two\n"))
    assert.include(diff, "-one")
    assert.include(diff, "+two")
  })
  it("shows no key: by its name, by its mode, or by its text in another file", () => {
    const key = "-----BEGIN EC PRIVATE KEY-----\nsecret\n"
    for (const diff of [
      diffOf(finding({ path: "tls/a.key" }), texts("secret", "secret2", true)),
      diffOf(finding({ kind: "added" }), texts(null, key)),
      diffOf(finding(), texts(key, "x"))
    ]) {
      assert.strictEqual(diff, "(a private key is not shown)\n")
    }
  })
  it("stays within what a report may hold, however many and long the files are", () => {
    const many = Array.from({ length: 100 }, (_, index) => finding({ path: `http/${index}-${"x".repeat(2_000)}` }))
    const drift = driftOf(about, "reverted", many, texts("a\n".repeat(250), "\u{1F600}\n".repeat(250)))
    assert.isTrue(Schema.is(Drift)(drift))
    assert.strictEqual(drift.files.length + drift.omitted, 100)
    assert.isTrue(
      drift.files.every(({ diff }) => diff.length <= WireLimits.driftDiffCharactersMax && diff.isWellFormed())
    )
  })
  it("does not compare texts of which too much differs, which would take minutes", () => {
    const diff = diffOf(finding(), texts("a\n".repeat(100_000), "b\n".repeat(100_000)))
    assert.strictEqual(diff, "(too much differs to compare line by line)\n")
    const large = "same\n".repeat(50_000)
    assert.include(diffOf(finding(), texts(`${large}one\n${large}`, `${large}two\n${large}`)), "+two")
  })
  it("joins tree and surroundings within the same bounds, under the tree's word", () => {
    const sixteen = Array.from({ length: 20 }, (_, index) => finding({ path: `f${index}` }))
    const tree = driftOf(about, "reverted", sixteen, texts("a", "b"))
    const outside = driftOf(
      about,
      "alerted",
      [finding({ kind: "foreign", path: "/etc/nginx/nginx.conf" })],
      texts(null, null)
    )
    const both = merged(tree, outside)
    assert.deepStrictEqual(
      [both?.response, both?.files.length, both?.omitted],
      ["reverted", WireLimits.driftedFilesMax, 5]
    )
    assert.strictEqual(merged(null, outside), outside)
    assert.isNull(merged(null, null))
  })
})

describe("driftAlert", () => {
  it("names the first path, and is quiet about what was put back", () => {
    const drift = driftOf(about, "revert_failed", [finding(), finding({ path: "b" })], texts("a", "b"))
    assert.deepInclude(driftAlert(drift), { code: "drift", severity: "critical" })
    assert.include(driftAlert(drift)?.message, `${host} (changed) and 1 more`)
    assert.isNull(driftAlert({ ...drift, response: "reverted" }))
  })
})

describe("how long drift is shown", () => {
  const drift = driftOf(about, "reverted", [finding()], texts("a", "b"))
  const shown: Shown = { drift, signature: "", wellSinceMillis: null }
  it("is until all has been well for a while", () => {
    const first = afterWell(shown, 1_000, 500)
    assert.strictEqual(first?.wellSinceMillis, 1_000)
    assert.strictEqual(afterWell(first, 1_499, 500)?.wellSinceMillis, 1_000)
    assert.isNull(afterWell(first, 1_500, 500))
    assert.isNull(afterWell(null, 0, 0))
  })
  it("ends with the next generation, but for what was put back", () => {
    assert.strictEqual(afterSettled(shown), shown)
    assert.isNull(afterSettled({ ...shown, drift: { ...drift, response: "alerted" } }))
  })
})

describe("offerOf", () => {
  const settled: SettledTree = {
    directory: "20260302143000-000007",
    deployment_id: DeploymentId.make("01980000-0000-7000-8000-000000000001"),
    generation,
    files: {},
    identified: {},
    outside: null
  }
  it("offers the changed text of virtual hosts", () => {
    const offer = offerOf(settled, [finding()], texts("one", "two"))
    assert.deepInclude(offer, { generation, files: [{ path: host, settled: "one", found: "two" }] })
  })
  it("offers nothing when any of it cannot become a version", () => {
    const refusals: ReadonlyArray<readonly [ReadonlyArray<Finding>, () => Texts]> = [
      [[finding(), finding({ kind: "missing" })], texts("a", "b")],
      [[finding({ path: "http/10-upstream-a.conf" })], texts("a", "b")],
      [[finding({ detail: "mode 0600, was 0644" })], texts("a", "b")],
      [[finding()], texts(null, "b")],
      [[finding()], texts("a", "b".repeat(WireLimits.templateCharactersMax + 1))],
      [[], texts("a", "b")]
    ]
    for (const [findings, of] of refusals) assert.isString(offerOf(settled, findings, of))
  })
})

describe("what nginx.conf includes", () => {
  it("is found as nginx finds it: relative to nginx.conf, in blocks too", () => {
    const text =
      'include mime.types;\nhttp { include "/etc/nginx/sites/*.conf"; # include no;\n server { include a/b; } }'
    assert.deepStrictEqual(includesIn(text, "/etc/nginx"), [
      "/etc/nginx/mime.types",
      "/etc/nginx/sites/*.conf",
      "/etc/nginx/a/b"
    ])
    assert.deepStrictEqual(includesIn("http {", "/etc/nginx"), [])
  })
  it("is foreign unless it leads into a generation", () => {
    assert.isTrue(isOfTree("/etc/nginx/conf.d/current/*.conf", "/etc/nginx/conf.d"))
    assert.isTrue(isOfTree("/etc/nginx/conf.d/20260302143000-000007/http/a.conf", "/etc/nginx/conf.d"))
    assert.isFalse(isOfTree("/etc/nginx/conf.d/*.conf", "/etc/nginx/conf.d"))
    assert.isFalse(isOfTree("/etc/nginx/conf.d-other/current/x", "/etc/nginx/conf.d"))
  })
})
