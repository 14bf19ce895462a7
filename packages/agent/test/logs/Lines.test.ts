/** Goal: what nginx wrote is read as what happened, whatever bytes a client sent. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { parseCombined, parseLocalTime } from "../../src/logs/CombinedLine.ts"
import { beginsMessage, parseErrorMessage } from "../../src/logs/ErrorLogLine.ts"
import { parseJsonAccess } from "../../src/logs/JsonAccessLine.ts"

/** As nginx writes a value with `escape=default` (`ngx_http_log_escape`). */
const escapeDefault = (text: string): string =>
  text === ""
    ? "-"
    : Buffer.from(text, "utf8")
        .toString("latin1")
        .replace(
          /["\\]|[^\x20-\x7e]/g,
          (sign) => `\\x${sign.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`
        )

const client = Schema.String.check(Schema.isMaxLength(200))

describe("The combined format", () => {
  it.prop(
    "gives back what a client sent, whatever it holds",
    [client, client, client, Schema.Int.check(Schema.isBetween({ minimum: 100, maximum: 599 })), Schema.Natural],
    ([path, referer, agent, status, bytes]) => {
      const uri = `/${path.toWellFormed()}`
      const sent = [referer.toWellFormed(), agent.toWellFormed()] as const
      const request = escapeDefault(`GET ${uri} HTTP/1.1`)
      const [first, second] = sent.map(escapeDefault)
      const line = `192.0.2.1 - - [02/Mar/2026:14:30:00 +0100] "${request}" ${status} ${bytes} "${first}" "${second}"`
      const read = parseCombined(line)
      assert.deepStrictEqual(read, {
        atMillis: Date.UTC(2026, 2, 2, 13, 30),
        serverName: "",
        serverPort: "",
        entry: {
          ...{ remote_addr: "192.0.2.1", method: "GET", uri, protocol: "HTTP/1.1", host: "", status },
          ...{ body_bytes_sent: bytes, response_time_ms: null, request_id: null },
          // nginx writes an absent header as it writes one that is "-"
          ...{ referer: plain(sent[0]), user_agent: plain(sent[1]) }
        }
      })
    }
  )
  const plain = (text: string) => (text === "" || text === "-" ? null : text)

  it("reads what is no HTTP request, and formats that go on after the user agent", () => {
    const noRequest = parseCombined('::1 - - [02/Mar/2026:14:30:00 +0000] "\\x16\\x03\\x01" 400 157 "-" "-"')
    assert.deepInclude(noRequest?.entry, { method: "", uri: "\x16\x03\x01", status: 400, user_agent: null })
    const empty = parseCombined('::1 - a user [02/Mar/2026:14:30:00 +0000] "" 400 - "-" "-" "203.0.113.9"')
    assert.deepInclude(empty?.entry, { method: "", uri: "", body_bytes_sent: 0 })
  })

  it("takes nothing for a line that is none", () => {
    for (const line of ["", "hello", '192.0.2.1 - - [yesterday, at the time of tea] "GET / HTTP/1.1" 200 1 "-" "-"']) {
      assert.isNull(parseCombined(line))
    }
    assert.isNull(parseLocalTime("02/Mrz/2026:14:30:00 +0100"))
    assert.strictEqual(parseLocalTime("31/Dec/2025:19:00:00 -0500"), Date.UTC(2026, 0, 1))
  })
})

describe("The JSON format", () => {
  const line = (fields: Record<string, unknown>) => JSON.stringify({ time: "1700000000.250", status: "200", ...fields })

  it("reads times in milliseconds and what several backends said", () => {
    const read = parseJsonAccess(
      line({
        request_time: "0.105",
        server_name: "A.example",
        upstream_addr: "10.0.0.1:80, 10.0.0.2:80 : 10.0.0.3:80",
        upstream_status: "502, 504 : 200",
        upstream_response_time: "0.010, 0.020 : 0.030",
        upstream_connect_time: "-, - : 0.001"
      })
    )
    assert.deepInclude(read, { atMillis: 1_700_000_000_250, serverName: "a.example" })
    assert.deepInclude(read?.entry, {
      ...{ status: 200, response_time_ms: 105, upstream_addr: "10.0.0.3:80", upstream_status: 200 },
      ...{ upstream_response_time_ms: 60, upstream_connect_time_ms: 1 }
    })
    assert.notProperty(read?.entry, "upstream_header_time_ms")
  })

  it("cuts long fields, and reads a line of which it knows nothing but the time", () => {
    assert.lengthOf(parseJsonAccess(line({ uri: "/".repeat(9_000) }))?.entry.uri ?? "", 2_048)
    assert.deepInclude(parseJsonAccess('{"time":"1"}')?.entry, { status: 0, user_agent: null, request_id: null })
  })

  it("takes nothing for a line that is none, as one that was cut", () => {
    for (const text of ["", "null", "[]", "{}", '{"time":"1', '{"time":"1","status":"9999"}']) {
      assert.isNull(parseJsonAccess(text))
    }
  })
})

describe("The error log", () => {
  it("reads level, process, connection and what nginx was doing for whom", () => {
    const text =
      'connect() failed (111: Connection refused) while connecting to upstream, client: 192.0.2.1, server: a.example, request: "GET /x HTTP/1.1", upstream: "http://127.0.0.1:9/x", host: "a.example"'
    assert.deepStrictEqual(parseErrorMessage(`2026/03/02 14:30:00 [error] 12#12: *7 ${text}`), {
      localTime: "2026/03/02 14:30:00",
      text,
      entry: {
        ...{ level: "error", pid: 12, connection_id: 7, client: "192.0.2.1", server: "a.example" },
        ...{ request: "GET /x HTTP/1.1", upstream: "http://127.0.0.1:9/x", host: "a.example" }
      }
    })
  })

  it("reads a message without a request, and one of several lines", () => {
    const read = parseErrorMessage("2026/03/02 14:30:00 [alert] 1#1: worker process 9 exited on signal 9\nand more")
    assert.deepInclude(read?.entry, { level: "alert", connection_id: null, client: null, request: null })
    assert.match(read?.text ?? "", /signal 9\nand more$/)
    assert.isFalse(beginsMessage("and more"))
    assert.isTrue(beginsMessage("2026/03/02 14:30:00 [alert] 1#1: x"))
    assert.isNull(parseErrorMessage("nginx: [emerg] not from a log"))
  })
})
