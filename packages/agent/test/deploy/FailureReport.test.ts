import { assert, describe, it } from "@effect/vitest"
import type { TreePlace } from "@nxmesh/core/nginx/Culprit"
import * as FailureReport from "../../src/deploy/FailureReport.ts"
import type { RenderedFile } from "@nxmesh/core/nginx/Render"
import * as Complaint from "@nxmesh/core/nginx/Complaint"

const file = (name: string, content: string): RenderedFile => ({
  path: `http/20-host-${name}.conf`,
  content,
  mode: 0o644,
  resource: { kind: "virtual_host", id: name, name }
})
const place: TreePlace = {
  directory: "/etc/nginx/conf.d/20260302143000-000002",
  files: [
    file("a", "server { listen 80; server_name a.test www.a.test; }"),
    file("b", "server { server_name B.test; }")
  ]
}

describe("FailureReport", () => {
  it("names file, line and resource from nginx's own line, and prefers emerg to warn", () => {
    const output = [
      "nginx: [warn] something in /etc/nginx/nginx.conf:3",
      `nginx: [emerg] unknown directive "x" in ${place.directory}/http/20-host-b.conf:7`,
      "nginx: configuration file /etc/nginx/nginx.conf test failed"
    ].join("\n")
    assert.deepStrictEqual(FailureReport.fromOutput("test", output, "no", place), {
      step: "test",
      message: 'unknown directive "x"',
      file: "http/20-host-b.conf",
      line: 7,
      resource: { kind: "virtual_host", id: "b", name: "b" }
    })
  })

  it("keeps a foreign file's whole path and blames no resource", () => {
    const error = FailureReport.fromOutput("test", "nginx: [emerg] bad in /etc/nginx/sites-enabled/x:1", "no", place)
    assert.strictEqual(error.file, "/etc/nginx/sites-enabled/x")
    assert.isNull(error.resource)
  })

  it("says what is there when no line can be read, and bounds it", () => {
    assert.strictEqual(FailureReport.fromOutput("test", "  ", "nothing said", place).message, "nothing said")
    assert.strictEqual(FailureReport.fromOutput("test", "x".repeat(20_000), "no", place).message.length, 8_192)
  })

  it("blames the host whose port is taken, when one host alone has it", () => {
    const listening = {
      ...place,
      files: [file("c", "server { listen 127.0.0.1:8081; }"), file("d", "server { listen 9090; }")]
    }
    const bind = (address: string) => `nginx: [emerg] bind() to ${address} failed (98: Address already in use)`
    assert.strictEqual(FailureReport.fromOutput("prove", bind("127.0.0.1:8081"), "no", listening).resource?.id, "c")
    assert.strictEqual(FailureReport.fromOutput("prove", bind("0.0.0.0:9090"), "no", listening).resource?.id, "d")
    assert.isNull(FailureReport.fromOutput("prove", bind("0.0.0.0:80"), "no", listening).resource)
  })

  it("fails a tree with two servers of one name, but not for foreign twins", () => {
    const warning = (name: string) =>
      Complaint.complaintsIn(`nginx: [warn] conflicting server name "${name}" on 0.0.0.0:80, ignored`)
    assert.strictEqual(FailureReport.conflict(warning("b.test"), place)?.resource?.id, "b")
    assert.include(FailureReport.conflict(warning("www.a.test"), place)?.message, "does not manage")
    assert.isNull(FailureReport.conflict(warning("foreign.test"), place))
  })
})
