import { assert, describe, it } from "@effect/vitest"
import { UpstreamId, VirtualHostId } from "@nxmesh/protocol/Ids"
import { directivesNamed } from "../../../../test/support/NginxSyntax.ts"
import type { RenderInput } from "../../src/nginx/Render.ts"
import {
  answering,
  customTemplate,
  fileText,
  host,
  layout,
  renderParts,
  upstream,
  uuid,
  workspace
} from "./Fixtures.ts"
import { hostFile, read, named, failure, files, tls, secure, proxied } from "./Reading.ts"

describe("The tree", () => {
  it("has one entry file that names its own directory, and one file per resource", () => {
    const tree = renderParts({ hosts: [host(1)], upstreams: [upstream(2)], certificates: [files] })
    assert.deepStrictEqual(
      tree.files.map(({ mode, path, resource }) => [path, mode.toString(8), resource?.kind ?? null]),
      [
        ["nxmesh.conf", "644", null],
        ["http/00-settings.conf", "644", null],
        ["http/10-upstream-backend-2-00000002.conf", "644", "upstream"],
        ["http/20-host-site-1-00000001.conf", "644", "virtual_host"],
        ["http/30-default.conf", "644", null],
        ["http/90-proof.conf", "644", null],
        ["tls/000000c1-000100c1.crt", "644", "certificate"],
        ["tls/000000c1-000100c1.key", "600", "certificate"]
      ]
    )
    const entry = fileText(tree, /^nxmesh\.conf$/)
    assert.match(entry, new RegExp(`^# nxmesh generation [0-9a-f]{64} deployment ${uuid(0xd)}\n`))
    assert.include(entry, "include /etc/nginx/conf.d/20260302143000-000007/http/*.conf;")
  })

  it("is the same text for the same input, and depends on directory and deployment in paths, marker and proof only", () => {
    const parts = secure()
    const plain = renderParts(parts)
    assert.deepStrictEqual(renderParts(parts), plain)
    const other = renderParts(parts, { directory: "another", deploymentId: uuid(0xe) })
    const ignoring = other.files.map(({ content }) =>
      content.replaceAll("/another/", "/20260302143000-000007/").replaceAll(uuid(0xe), uuid(0xd))
    )
    assert.deepStrictEqual(
      ignoring,
      plain.files.map(({ content }) => content)
    )
  })

  it("leaves out disabled hosts, and is served with none", () => {
    const tree = renderParts({ hosts: [host(1, { enabled: false })] })
    assert.isFalse(tree.files.some(({ path }) => hostFile.test(path)))
    assert.strictEqual(fileText(tree, /30-default/), "")
  })

  it("keeps apart resources of one name", () => {
    const tree = renderParts({ hosts: [host(1, { name: "same" }), host(2, { name: "same" })] })
    assert.lengthOf(new Set(tree.files.map(({ path }) => path)), tree.files.length)
  })

  it("sets hash sizes only where nothing else can, wide enough for the longest name", () => {
    const long = `${"a".repeat(60)}.${"b".repeat(60)}.${"c".repeat(60)}.example`
    const parts = { hosts: [host(1, { server_name: long })] }
    assert.deepStrictEqual(named(parts, "server_names_hash_bucket_size", {}, /00-settings/), [["256"]])
    const foreign = { layout: { ...layout, ownsMainContext: false } }
    assert.deepStrictEqual(named(parts, "server_names_hash_bucket_size", foreign, /00-settings/), [])
    assert.match(renderParts(parts, foreign).warnings[0] ?? "", /server_names_hash_bucket_size 256/)
    assert.deepStrictEqual(renderParts({ hosts: [host(1)] }, foreign).warnings, [])
  })

  it("answers deployment and process on the proof socket, and status where the build has it", () => {
    const proof = (fields: Partial<RenderInput>) => read({}, /90-proof/, fields)
    assert.deepStrictEqual(directivesNamed(proof({}), "listen"), [["unix:/run/nxmesh/proof.sock"]])
    assert.deepStrictEqual(directivesNamed(proof({}), "return"), [["200", `${uuid(0xd)} $pid`]])
    assert.lengthOf(directivesNamed(proof({}), "stub_status"), 1)
    assert.lengthOf(directivesNamed(proof({ nginx: { version: "1.22.1", modules: [] } }), "stub_status"), 0)
  })

  it("refuses what it cannot place, and names the resource and field", () => {
    const long = { ...layout, runtimeDirectory: `/${"r".repeat(100)}` }
    assert.match(failure({}, { layout: long })?.message ?? "", /leave room for a socket/)
    assert.include(failure({ hosts: [host(1, tls)] }), { field: "ssl_certificate_id" })
    assert.include(failure(proxied({ upstream_id: UpstreamId.make(uuid(9)) })), { field: "locations[0].upstream_id" })
    const broken = failure({
      hosts: [host(1, { locations: [answering("a"), answering("b", { path: "/b", snippet: "\n}" })] })]
    })
    assert.include(broken, { field: "locations[1].snippet", line: 2 })
    assert.deepStrictEqual(broken?.resource, { kind: "virtual_host", id: uuid(1), name: "site 1" })
    assert.match(failure({ hosts: [host(1, { template: "gone" })] })?.message ?? "", /"gone".*not in the bundle/)
    const templates = [customTemplate("bad", "server {\n{{oops}}")]
    assert.include(failure({ hosts: [host(1, { template: "bad" })], templates }), { field: "template", line: 2 })
  })
})

describe("Names", () => {
  it("come from the random end of an id, not from its clock", () => {
    const [a, b] = ["0190a000-0000-7000-8000-00000000aaaa", "0190a000-0000-7000-8000-00000000bbbb"]
    const hosts = [a, b].map((id) =>
      host(1, { id: VirtualHostId.make(id), name: "x", workspace_id: workspace, server_name: `${id}.x` })
    )
    const paths = renderParts({ hosts }).files.map(({ path }) => path)
    assert.includeMembers(paths, ["http/20-host-x-0000aaaa.conf", "http/20-host-x-0000bbbb.conf"])
  })
})
