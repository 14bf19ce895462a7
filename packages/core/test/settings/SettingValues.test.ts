import { assert, describe, it } from "@effect/vitest"
import {
  addressText,
  type Reader,
  readAddress,
  readBoolean,
  readHost,
  readLogLevel,
  readPath,
  readRatio,
  readServiceUrl
} from "@nxmesh/core/settings/SettingValues"
import { Result } from "effect"

const refuses = <A>(read: Reader<A>, texts: ReadonlyArray<string>) => {
  for (const text of texts) assert.isTrue(Result.isFailure(read(text)), JSON.stringify(text))
}

describe("SettingValues", () => {
  it("reads addresses with names and both families, and writes them back", () => {
    for (const text of ["127.0.0.1:8080", "[::1]:0", "master.example:65535"]) {
      assert.strictEqual(addressText(Result.getOrThrow(readAddress(text))), text)
    }
  })

  it("refuses what is no address", () => {
    refuses(readAddress, ["", "localhost", ":80", "::1:80", "a:65536", "a:-1", "a b:80", "-a:80", "[::1]80", "a:80\n"])
  })

  it("reads host names and IP addresses only", () => {
    for (const text of ["m1", "m1.example", "10.0.0.1", "::1"])
      assert.strictEqual(Result.getOrThrow(readHost(text)), text)
    refuses(readHost, ["", "a_b", "a..b", "a.", "a b", "a".repeat(64), `${"a.".repeat(127)}toolong`])
  })

  it("makes paths absolute", () => {
    assert.strictEqual(Result.getOrThrow(readPath("/var/lib/nxmesh")), "/var/lib/nxmesh")
    assert.match(Result.getOrThrow(readPath("data")), /^\/.*\/data$/)
    refuses(readPath, ["", "/a\0b"])
  })

  it("reads levels in any case, and refuses others", () => {
    assert.strictEqual(Result.getOrThrow(readLogLevel("WARN")), "Warn")
    refuses(readLogLevel, ["", "loud", "constructor", "__proto__"])
  })

  it("reads true and false", () => {
    assert.isTrue(Result.getOrThrow(readBoolean("true")))
    assert.isFalse(Result.getOrThrow(readBoolean("false")))
    refuses(readBoolean, ["", "yes", "1", "True"])
  })

  it("reads the URL of a service, and refuses one that would put a password into the log", () => {
    for (const [text, url] of [
      ["http://127.0.0.1:4318", "http://127.0.0.1:4318"],
      ["https://collector.example/otlp/", "https://collector.example/otlp"]
    ] as const) {
      assert.strictEqual(Result.getOrThrow(readServiceUrl(text)), url)
    }
    refuses(readServiceUrl, [
      "",
      "collector:4318",
      "ftp://a",
      "http://u:p@a",
      "http://:p@a",
      "http://u@a",
      "http://a/#b"
    ])
  })

  it("reads a part of the whole", () => {
    for (const [text, ratio] of [
      ["0", 0],
      ["1", 1],
      ["0.25", 0.25],
      [".5", 0.5],
      ["1.0", 1]
    ] as const) {
      assert.strictEqual(Result.getOrThrow(readRatio(text)), ratio)
    }
    refuses(readRatio, ["", "1.1", "-0.1", "2", "10%", "1e-1", "0x1", "."])
  })
})
