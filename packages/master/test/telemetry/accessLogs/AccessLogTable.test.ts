import { Timestamp } from "@nxmesh/protocol/model/Text"
import type { LogLine } from "@nxmesh/protocol/link/Report"
import { accessLogColumns, accessLogValues, columnsOf } from "../../../src/telemetry/accessLogs/AccessLogTable.ts"
import { expect, test } from "vitest"

const timestamp = Timestamp.make("2026-03-02T10:30:00.000Z")
const entry = {
  remote_addr: "203.0.113.7",
  method: "GET",
  uri: "/a?b=c?d",
  protocol: "HTTP/1.1",
  host: "shop.example",
  status: 200,
  body_bytes_sent: 12,
  response_time_ms: 1.5,
  user_agent: null,
  referer: null,
  request_id: null
}
const line = (access: Partial<NonNullable<LogLine["access"]>>, text = ""): LogLine => ({
  timestamp,
  source: "access",
  text,
  access: { ...entry, ...access }
})

test("a line's target is its path and its query", () => {
  expect(columnsOf(line({}))).toMatchObject({ path: "/a", query: "b=c?d" })
  expect(columnsOf(line({ uri: "/a" }))).toMatchObject({ path: "/a", query: null })
  expect(columnsOf(line({ uri: "/a?" }))).toMatchObject({ path: "/a", query: "" })
})

test("times are whole microseconds", () => {
  expect(columnsOf(line({ upstream_response_time_ms: 0.25 }))).toMatchObject({ duration_us: 1_500, upstream_us: 250 })
  expect(columnsOf(line({ response_time_ms: null }))).toMatchObject({ duration_us: null, duration_bucket: null })
})

test("what a client sent fits both stores", () => {
  const columns = columnsOf(line({ uri: "/\0", user_agent: "\ud800", body_bytes_sent: 1e300, upstream_status: 4e9 }))
  expect(columns).toMatchObject({
    path: "/\ufffd",
    user_agent: "\ufffd",
    bytes: Number.MAX_SAFE_INTEGER,
    upstream_status: null
  })
})

test("a line of no known format is its text, which privacy leaves out, because the address is somewhere in it", () => {
  const unknown: LogLine = { timestamp, source: "access", text: "203.0.113.7 says" }
  expect(columnsOf(unknown)).toMatchObject({ status: 0, method: "", text: "203.0.113.7 says" })
  expect(columnsOf(unknown, "truncate")).toMatchObject({ text: null })
})

test("values are in the order of the columns", () => {
  const values = accessLogValues(line({}))
  expect(Object.fromEntries(accessLogColumns.map(({ name }, index) => [name, values[index]]))).toEqual(
    columnsOf(line({}))
  )
})
