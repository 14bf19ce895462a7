import { assert, describe, it } from "@effect/vitest"
import { differences, fileDifferences } from "../../src/nginx/Diff.ts"
import { certificate, host, renderParts } from "./Fixtures.ts"

describe("differences", () => {
  it("names what was added, removed and replaced by JSON Pointer", () => {
    const before = { a: 1, b: { "c/d": [1, 2, 3], e: null }, gone: true }
    const after = { a: 1, b: { "c/d": [1, 4], e: {} }, "new~": "x" }
    assert.deepStrictEqual(differences(before, after), [
      { path: "/b/c~1d/1", operation: "replace", before: 2, after: 4 },
      { path: "/b/c~1d/2", operation: "remove", before: 3 },
      { path: "/b/e", operation: "replace", before: null, after: {} },
      { path: "/gone", operation: "remove", before: true },
      { path: "/new~0", operation: "add", after: "x" }
    ])
  })

  it("finds nothing between equal data, whatever the order of keys", () => {
    assert.deepStrictEqual(differences({ a: [1, { b: 2, c: 3 }] }, { a: [1, { c: 3, b: 2 }] }), [])
  })

  it("replaces the whole when the kind changes", () => {
    assert.deepStrictEqual(differences([1], { 0: 1 }), [
      { path: "", operation: "replace", before: [1], after: { 0: 1 } }
    ])
    assert.deepStrictEqual(differences(undefined, 1), [{ path: "", operation: "add", after: 1 }])
  })
})

describe("fileDifferences", () => {
  it("shows a changed virtual host as a unified diff of its file alone", () => {
    const before = renderParts({ hosts: [host(1), host(2)] })
    const after = renderParts({ hosts: [host(1, { server_name: "new.example.com" }), host(3)] })
    const found = fileDifferences(before.files, after.files).filter(({ path }) => path.startsWith("http/20-"))
    assert.deepStrictEqual(
      found.map(({ operation }) => operation),
      ["replace", "remove", "add"]
    )
    assert.include(found[0]?.diff, "-    server_name site-1.example.com;\n+    server_name new.example.com;\n")
    assert.include(found[0]?.diff, "--- a/http/20-host-site-1-00000001.conf")
    assert.include(found[1]?.diff, "+++ /dev/null")
    assert.deepStrictEqual(fileDifferences(before.files, before.files), [])
  })

  it("never shows a private key", () => {
    const keys = (key: string) => renderParts({ certificates: [certificate(1, { private_key_pem: key })] }).files
    const found = fileDifferences(keys("secret one"), keys("secret two"))
    assert.lengthOf(found, 1)
    assert.notInclude(JSON.stringify(found), "secret")
  })
})
