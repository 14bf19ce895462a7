import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { createHash } from "node:crypto"
import { VirtualHostId } from "@nxmesh/protocol/Ids"
import { LogReport } from "@nxmesh/protocol/link/Report"
import { bundle, host, location, uuid } from "../../../core/test/nginx/Fixtures.ts"
import { accessHosts, hostOf, locationOf, normalizedPath } from "../../src/logs/AccessHosts.ts"
import { BoundedLabels } from "../../src/logs/AccessMetrics.ts"
import * as LineBudget from "../../src/logs/LineBudget.ts"
import { due } from "../../src/logs/LogRotation.ts"
import { logSources } from "../../src/logs/LogSource.ts"
import { isSampled, share } from "../../src/logs/Sampling.ts"
import { messagesOf, readAccess, readErrors } from "../../src/logs/ShippedLines.ts"
import { Limits } from "../../src/Limits.ts"

const hosts = accessHosts(
  bundle({
    hosts: [
      host(1, { server_name: "A.example, b.example", listen_port: 8_080 }),
      host(2, { server_name: "tls.example", listen_port: 443, ssl_enabled: true, redirect_http: true }),
      host(3, { server_name: "off.example", enabled: false })
    ]
  })
)

describe("The host of a request", () => {
  it("is found by the first name of its server and the port, the redirecting server's too", () => {
    assert.strictEqual(hostOf(hosts, "a.example", "8080")?.id, VirtualHostId.make(uuid(1)))
    assert.isNull(hostOf(hosts, "b.example", "8080"))
    assert.isNull(hostOf(hosts, "a.example", "80"))
    assert.deepStrictEqual(
      ["443", "80"].map((port) => String(hostOf(hosts, "tls.example", port)?.id)),
      [uuid(2), uuid(2)]
    )
    assert.isNull(hostOf(hosts, "off.example", "80"))
  })
})

describe("The location of a request", () => {
  const of = (paths: ReadonlyArray<string>, uri: string) => {
    const one = host(1, { listen_port: 80, server_name: "a", locations: paths.map((path) => location({ path })) })
    const found = hostOf(accessHosts(bundle({ hosts: [one] })), "a", "80")
    return found === null ? null : locationOf(found, uri)
  }

  it("is the exact one, else the longest prefix", () => {
    const paths = ["/", "/api", "/api/v1/", "= /api"]
    assert.strictEqual(of(paths, "/api?x"), "= /api")
    assert.strictEqual(of(paths, "/api/v1/users"), "/api/v1/")
    assert.strictEqual(of(paths, "/apiary"), "/api")
    assert.strictEqual(of(paths, "/%61pi/./v1//x/../y"), "/api/v1/")
    assert.strictEqual(of(["/only"], "/"), null)
  })

  it("is not guessed where a regular expression may decide", () => {
    const paths = ["/", "^~ /static/", "= /x", "~ \\.php$", "~* (a+)+$"]
    assert.isNull(of(paths, "/index.php"))
    assert.isNull(of(paths, "/anything"))
    assert.strictEqual(of(paths, "/static/a.php"), "^~ /static/")
    assert.strictEqual(of(paths, "/x"), "= /x")
  })

  it("is looked for by the path as nginx normalises it", () => {
    assert.deepStrictEqual(
      ["", "/", "//a///b", "/a/../../b", "/a/b/..", "/a/.", "/%zz", "/a%2fb", "*", "/a?b/../c#d"].map(normalizedPath),
      ["/", "/", "/a/b", "/b", "/a/", "/a/", "/%zz", "/a/b", "/", "/a"]
    )
  })
})

describe("Sampling", () => {
  const ids = Array.from({ length: 2_000 }, (_, at) => createHash("md5").update(String(at)).digest("hex"))

  it("always says the same of a request, about as often as it should", () => {
    const kept = ids.filter((id) => isSampled(0.25, 200, id))
    assert.deepStrictEqual(
      kept,
      ids.filter((id) => isSampled(0.25, 200, id))
    )
    assert.approximately(
      Array.from({ length: 2_000 }, (_, at) => share(`line ${at}`)).filter((one) => one < 0.25).length,
      500,
      60
    )
  })

  it("keeps what is kept at a smaller share, and every error of a server", () => {
    for (const id of ids) {
      if (isSampled(0.1, 200, id)) assert.isTrue(isSampled(0.2, 200, id))
      assert.isTrue(isSampled(0.000_1, 502, id))
      assert.isFalse(isSampled(0, 502, id))
      assert.isTrue(isSampled(1, 200, id))
    }
  })
})

describe("What is shipped", () => {
  const reading = { format: "combined" as const, hosts, sampleRatio: 1, nowMillis: 1_000 }
  const combined = '192.0.2.1 - - [02/Mar/2026:14:30:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-"'

  it("goes on the wire as it is, also when a line is of no known format", () => {
    const read = readAccess([combined, "", "x".repeat(20_000)], reading)
    assert.deepInclude(read, { sampledOut: 0, unparsed: 1 })
    assert.lengthOf(read.requests, 1)
    const errors = readErrors(
      ["2026/03/02 14:30:00 [error] 1#1: *2 broken", "of two lines", "2026/03/02 14:30:00 [info] 1#1: x"],
      0
    )
    assert.deepInclude(errors, { sampledOut: 1, unparsed: 0 })
    const report = { lines: [...read.lines, ...errors.lines], dropped: 0 }
    const sent = Schema.decodeUnknownSync(LogReport)(JSON.parse(JSON.stringify(report)))
    assert.deepStrictEqual(
      sent.lines.map(({ source, text, timestamp }) => [source, text.length, timestamp.slice(0, 4)]),
      [
        ["access", 0, "2026"],
        ["access", 8_192, "1970"],
        ["error", 19, "2026"]
      ]
    )
  })

  it("joins messages, within a bound", () => {
    const head = "2026/03/02 14:30:00 [error] 1#1: x"
    assert.deepStrictEqual(messagesOf(["stray", head, "a", head]), ["stray", `${head}\na`, head])
    const many = messagesOf([head, ...Array.from({ length: 1_000 }, () => "more")])
    assert.lengthOf(many[0]?.split("\n") ?? [], Limits.errorMessageLinesMax)
  })
})

describe("The budget of lines", () => {
  const rate = { perSecond: 10, burst: 20 }
  it("gives a burst, then so many a second, and nothing for a clock that jumps back", () => {
    const first = LineBudget.take({ lines: 20, atMillis: 1_000 }, rate, 100, 1_000)
    assert.strictEqual(first.taken, 20)
    const second = LineBudget.take(first.budget, rate, 100, 1_500)
    assert.strictEqual(second.taken, 5)
    const back = LineBudget.take(second.budget, rate, 100, 0)
    assert.strictEqual(back.taken, 0)
    assert.strictEqual(LineBudget.take(back.budget, rate, 100, 1_000_000).taken, 20)
  })
})

describe("Labels", () => {
  it("are those that came first, up to the bound", () => {
    const labels = new BoundedLabels(2)
    assert.deepStrictEqual(
      ["a", "b", "c", "a", "c"].map((value) => labels.has(value)),
      [true, true, false, true, false]
    )
  })
})

describe("Rotation", () => {
  it("is due for a log that has grown, and nginx is told again where a crash kept it from being told", () => {
    const seen = (bytes: number | null, hasRotated = false) => [{ path: "log", bytes, hasRotated }]
    assert.deepStrictEqual(due(seen(Limits.ownLogBytesMax)), { rotate: [], reopen: false })
    assert.deepStrictEqual(due(seen(Limits.ownLogBytesMax + 1)), { rotate: ["log"], reopen: true })
    assert.deepStrictEqual(due(seen(null)), { rotate: [], reopen: false })
    assert.deepStrictEqual(due(seen(null, true)), { rotate: [], reopen: true })
    assert.deepStrictEqual(due(seen(0, true)), { rotate: [], reopen: false })
  })
})

describe("The logs that are read", () => {
  it("are each read once, in the format that the operator says", () => {
    const sources = logSources({
      accessLog: "/l/own",
      errorLog: "/l/error.log",
      foreign: [
        { path: "/l/a", format: "combined" },
        { path: "/l/error.log", format: "error" },
        { path: "/l/own", format: "combined" }
      ]
    })
    assert.deepStrictEqual(
      sources.map(({ beginning, format, path }) => `${path} ${format} ${beginning}`),
      ["/l/own json start", "/l/error.log error end", "/l/a combined end"]
    )
  })
})
