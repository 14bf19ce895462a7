import { conflicts } from "../src/features/hosts/HostConflicts.ts"
import { draftOf, emptyHost, hostInput, readDraft } from "../src/features/hosts/HostDraft.ts"
import type { WorkspaceId } from "@nxmesh/protocol/Ids"
import { type VirtualHost, VirtualHostCreate } from "@nxmesh/protocol/model/VirtualHost"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"

const workspaceId = "0190a000-0000-7000-8000-000000000001" as WorkspaceId

const created = Schema.decodeUnknownSync(VirtualHostCreate)({
  workspace_id: workspaceId,
  name: "shop",
  server_name: "shop.example.com",
  listen_port: 443,
  gzip_enabled: true,
  access_rules: [{ action: "deny", address: "10.0.0.0/8" }],
  locations: [
    { path: "/", proxy_pass: "http://127.0.0.1:9000", custom_headers: [{ name: "X-A", value: "b" }] },
    { path: "/old", return: { status: 301, text: "https://shop.example.com/" } }
  ]
})

const host = {
  ...created,
  id: "0190a000-0000-7000-8000-000000000002",
  created_at: "2026-01-01T00:00:00.000Z",
  updated_at: "2026-01-01T00:00:00.000Z",
  revision: 7
} as VirtualHost

describe("the form of a virtual host", () => {
  it("sends back what it was given, also what it does not show", () => {
    const { id: _id, created_at: _created, revision: _revision, updated_at: _updated, ...content } = host
    assert.deepStrictEqual<unknown>({ workspace_id: workspaceId, ...hostInput(draftOf(host)) }, content)
  })

  it("is read like the master reads it", () => {
    const read = readDraft(draftOf(host), workspaceId)
    assert.strictEqual(read._tag, "Valid")
    assert.deepStrictEqual(read._tag === "Valid" && read.input, created)
  })

  it("names every field that the master would refuse", () => {
    const read = readDraft({ ...emptyHost, listen_port: 70_000 }, workspaceId)
    assert.strictEqual(read._tag, "Invalid")
    const fields = read._tag === "Invalid" ? Object.keys(read.problems) : []
    assert.includeMembers(fields, ["name", "server_name", "listen_port", "locations[0].proxy_pass"])
  })
})

describe("two versions of a virtual host", () => {
  it("differ in nothing when nobody changed anything", () => assert.deepStrictEqual(conflicts(draftOf(host), host), []))

  it("differ in the fields that either changed", () => {
    const mine = { ...draftOf(host), name: "mine" }
    const theirs = { ...host, server_name: "other.example.com" }
    assert.deepStrictEqual(
      conflicts(mine, theirs)
        .map(({ field }) => field)
        .sort(),
      ["name", "server_name"]
    )
  })
})
