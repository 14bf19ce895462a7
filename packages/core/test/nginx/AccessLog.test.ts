import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { Layout } from "../../src/nginx/Layout.ts"
import { allDirectives, parseNginx } from "../../src/nginx/Parse.ts"
import { fileText, host, layout, nginx122, renderParts } from "./Fixtures.ts"

const path = "/var/log/nginx/nxmesh-access.json.log"
const own: Layout = { ...layout, accessLog: { path, ownHostsOnly: false } }
const foreign: Layout = { ...layout, ownsMainContext: false, accessLog: { path, ownHostsOnly: true } }

const settings = (hosts: ReadonlyArray<ReturnType<typeof host>>, where: Layout, nginx = nginx122) =>
  fileText(renderParts({ hosts }, { layout: where, nginx }), /00-settings/)
const directives = (text: string, name: string) =>
  Array.from(allDirectives(Result.getOrThrow(parseNginx(text)))).filter((directive) => directive.name === name)

describe("The access log that the agent reads", () => {
  it("is not there where nothing asks for it, nor for an nginx without JSON escapes", () => {
    assert.notInclude(settings([host(1)], layout), "access_log")
    assert.notInclude(settings([host(1)], { ...layout, accessLog: null }), "access_log")
    assert.notInclude(settings([host(1)], own, { version: "1.10.3", modules: [] }), "log_format")
  })

  it("is set in the http block, so that a host's own access_log stays the only one of that host", () => {
    const text = settings([host(1)], own)
    assert.deepStrictEqual(
      directives(text, "access_log").map(({ args }) => args),
      [[path, "nxmesh_json", "buffer=64k", "flush=1s"]]
    )
    const [format] = directives(text, "log_format")
    assert.deepStrictEqual(format?.args.slice(0, 2), ["nxmesh_json", "escape=json"])
    assert.include(JSON.parse(format?.args[2] ?? ""), { status: "$status", host: "$host" })
  })

  it("leaves out the requests of hosts that other configuration has", () => {
    const long = `${"a".repeat(60)}.example`
    const hosts = ["first.example, second.example", "*.wild.example", "include", long].map((server_name, index) =>
      host(index, { server_name })
    )
    const text = settings(hosts, foreign)
    assert.include(directives(text, "access_log")[0]?.args ?? [], "if=$nxm_own_host")
    const map = directives(text, "map").find(({ args }) => args[0] === "$server_name")
    assert.deepStrictEqual(
      map?.block?.map(({ name }) => name),
      ["default", "first.example", "*.wild.example", "\\include", `~^${"a".repeat(60)}\\.example$`]
    )
  })
})
