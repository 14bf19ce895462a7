import {
  type FoundEntry,
  isUpgraded,
  judgeOutside,
  judgeTree,
  mayBeLoaded,
  type OutsideFacts,
  type TreeFacts
} from "@nxmesh/agent/drift/DriftJudgement"
import { reidentified, settledFile, type SettledTree } from "@nxmesh/agent/drift/SettledTree"
import { DeploymentId, Generation } from "@nxmesh/protocol/Ids"
import { sha256Hex } from "@nxmesh/core/crypto/Sha256"
import { assert, describe, it } from "@effect/vitest"

const owner = { uid: 0, gid: 0 }
const directory = "20260302143000-000007"
const generation = Generation.make("a".repeat(64))
const deploymentId = DeploymentId.make("01980000-0000-7000-8000-000000000001")
const proof = `return 200 "${deploymentId} $pid";\n`
const tree: SettledTree = {
  directory,
  deployment_id: deploymentId,
  generation,
  files: {
    "http/20-host-a.conf": settledFile("one\n", 0o644, owner),
    "http/90-proof.conf": settledFile(proof, 0o644, owner),
    "tls/a.key": settledFile("key\n", 0o600, owner)
  },
  identified: { "http/90-proof.conf": proof },
  outside: null
}

const entry = (content: string, mode: number, more: Partial<FoundEntry> = {}): FoundEntry => ({
  type: "file",
  sha256: sha256Hex(content),
  mode,
  ...owner,
  changedMillis: 5_000,
  ...more
})
const asSettled: ReadonlyArray<readonly [string, FoundEntry]> = [
  ["http", entry("", 0o755, { type: "directory", sha256: null, changedMillis: 7_000 })],
  ["tls", entry("", 0o755, { type: "directory", sha256: null })],
  ["http/20-host-a.conf", entry("one\n", 0o644)],
  ["http/90-proof.conf", entry(proof, 0o644)],
  ["tls/a.key", entry("key\n", 0o600)]
]
const facts = (changes: Readonly<Record<string, FoundEntry | null>> = {}, more: Partial<TreeFacts> = {}): TreeFacts => {
  const entries = new Map(asSettled)
  for (const [path, change] of Object.entries(changes)) {
    if (change === null) entries.delete(path)
    else entries.set(path, change)
  }
  return { entries, linkTarget: directory, linkChangedMillis: 1, rootChangedMillis: 9_000, ...more }
}
const found = (...given: Parameters<typeof facts>) =>
  judgeTree(tree, facts(...given)).map(({ detail, kind, path }) => [kind, path, detail])

describe("judgeTree", () => {
  it("finds nothing in a tree that is as it settled, directories of no file included", () => {
    assert.deepStrictEqual(found(), [])
    assert.deepStrictEqual(found({ empty: entry("", 0o755, { type: "directory", sha256: null }) }), [])
  })
  it("tells content, mode and owner apart", () => {
    assert.deepStrictEqual(found({ "http/20-host-a.conf": entry("two\n", 0o644) }), [
      ["changed", "http/20-host-a.conf", null]
    ])
    assert.deepStrictEqual(found({ "tls/a.key": entry("key\n", 0o640, { gid: 33 }) }), [
      ["changed", "tls/a.key", "mode 0640, was 0600; owner 0:33, was 0:0"]
    ])
  })
  it("takes a link, a directory or a pipe in a file's place for a change, whatever lies behind it", () => {
    for (const [type, name] of [
      ["link", "a symbolic link"],
      ["directory", "a directory"],
      ["other", "a special file"]
    ] as const) {
      assert.deepStrictEqual(found({ "tls/a.key": entry("key\n", 0o600, { type }) }), [
        ["changed", "tls/a.key", `it is ${name}`]
      ])
    }
  })
  it("finds what is missing and what was added, and when: by the directory that lost it", () => {
    const [missing, added] = judgeTree(
      tree,
      facts({ "http/20-host-a.conf": null, "http/99-mine.conf": entry("mine", 0o644, { changedMillis: 3 }) })
    )
    assert.deepStrictEqual([missing?.kind, missing?.changedMillis], ["missing", 7_000])
    assert.deepStrictEqual([added?.kind, added?.path, added?.changedMillis], ["added", "http/99-mine.conf", 3])
  })
  it("finds everything missing when the directory is gone", () => {
    const all = judgeTree(tree, { ...facts(), entries: new Map() })
    assert.deepStrictEqual(
      all.map(({ changedMillis, kind }) => [kind, changedMillis]),
      [
        ["missing", 9_000],
        ["missing", 9_000],
        ["missing", 9_000]
      ]
    )
  })
  it("finds a link that names another directory, or nothing", () => {
    assert.strictEqual(found({}, { linkTarget: "/tmp" })[0]?.[0], "link")
    assert.include(found({}, { linkTarget: null })[0]?.[2], "nothing")
  })
})

describe("mayBeLoaded", () => {
  const findings = judgeTree(tree, facts({ "http/20-host-a.conf": entry("two\n", 0o644, { changedMillis: 10_000 }) }))
  it("is so for a worker that started after the change, and in doubt", () => {
    assert.isTrue(mayBeLoaded(findings, [1_000, 10_001], 0))
    assert.isTrue(mayBeLoaded(findings, [9_000], 2_000))
    assert.isTrue(mayBeLoaded(findings, [Number.POSITIVE_INFINITY], 0))
  })
  it("is not so when all workers are older, or there are none", () => {
    assert.isFalse(mayBeLoaded(findings, [1_000, 7_000], 2_000))
    assert.isFalse(mayBeLoaded(findings, [], 2_000))
  })
})

describe("reidentified", () => {
  it("follows a way back, which gives the tree another id", () => {
    const next = DeploymentId.make("01980000-0000-7000-8000-000000000002")
    const after = reidentified(tree, { directory, deploymentId: next, generation })
    assert.include(after.identified["http/90-proof.conf"], next)
    assert.notStrictEqual(after.files["http/90-proof.conf"]?.sha256, tree.files["http/90-proof.conf"]?.sha256)
    assert.strictEqual(after.files["tls/a.key"], tree.files["tls/a.key"])
    assert.strictEqual(reidentified(tree, { directory, deploymentId, generation }), tree)
  })
})

const build = { sha256: "1".repeat(64), version: "1.22.1" }
const upgraded = { sha256: "2".repeat(64), version: "1.24.0" }
const settled = { build, modules: { "/m/a.so": "a" }, foreign: { "/etc/nginx/nginx.conf": "c" } }
const outside = (more: Partial<OutsideFacts> = {}): OutsideFacts => ({
  ...settled,
  onDisk: build,
  binaryPath: "/usr/sbin/nginx",
  ...more
})
const around = (more: Partial<OutsideFacts>) =>
  judgeOutside(settled, outside(more)).map(({ kind, path }) => [kind, path])

describe("judgeOutside", () => {
  it("finds nothing where nothing changed", () => assert.deepStrictEqual(around({}), []))
  it("finds a binary that was replaced, removed, or that runs since", () => {
    for (const more of [{ onDisk: upgraded }, { onDisk: null }, { build: upgraded, onDisk: upgraded }]) {
      assert.deepStrictEqual(around(more), [["binary", "/usr/sbin/nginx"]])
    }
  })
  it("takes another build that runs and lies on disk for an upgrade, and no other", () => {
    assert.isTrue(isUpgraded(settled, outside({ build: upgraded, onDisk: upgraded })))
    assert.isFalse(isUpgraded(settled, outside({ onDisk: upgraded })))
    assert.isFalse(isUpgraded(settled, outside({ build: upgraded })))
    assert.isFalse(isUpgraded(settled, outside()))
  })
  it("finds modules and foreign files that were changed, added or removed", () => {
    assert.deepStrictEqual(around({ modules: { "/m/b.so": "b" }, foreign: { "/etc/nginx/nginx.conf": "d" } }), [
      ["modules", "/m/a.so"],
      ["modules", "/m/b.so"],
      ["foreign", "/etc/nginx/nginx.conf"]
    ])
  })
})
