/** Lines and filters by a seed: few different values, so that filters meet lines. */
import { AgentId, VirtualHostId } from "@nxmesh/protocol/Ids"
import type { LogLine } from "@nxmesh/protocol/link/Report"
import { Timestamp } from "@nxmesh/protocol/model/Text"
import type { SeededRandom } from "@nxmesh/raft/testing/SeededRandom"
import type { AccessLogFilter } from "../../../src/telemetry/accessLogs/AccessLogFilter.ts"
import { type AccessLogColumns, columnsOf } from "../../../src/telemetry/accessLogs/AccessLogTable.ts"
import { rangeOfAddress } from "../../../src/telemetry/accessLogs/ClientAddress.ts"

export const agents = [1, 2, 3, 4].map((number) => AgentId.make(`00000000-0000-7000-8000-00000000000${number}`))
const hosts = [1, 2].map((number) => VirtualHostId.make(`00000000-0000-7000-8000-0000000000a${number}`))
export const beginMillis = Date.parse("2026-03-02T00:00:00.000Z")

export interface RandomLine {
  readonly agentId: AgentId
  readonly atMillis: number
  readonly columns: AccessLogColumns
}

const texts = [
  "/",
  "/api",
  "/api/v1/Users",
  "/api/v1/users?q=%27",
  "/static/é.png?x=1",
  "/a%b_c",
  "/ünïcode",
  "/\\'\"--"
]
const browsers = ["Mozilla/5.0", "curl/8", "", "Ünicode ÀGENT", null]
const addresses = ["203.0.113.7", "203.0.113.8", "10.0.0.1", "2001:db8::1", "2001:db8:1::1", "unix:", ""]

export const randomLogLine = (random: SeededRandom): LogLine => ({
  timestamp: Timestamp.make("2026-03-02T00:00:00.000Z"),
  source: "access",
  text: "",
  access: {
    remote_addr: random.pick(addresses),
    method: random.pick(["GET", "POST", ""]),
    uri: random.pick(texts),
    protocol: "HTTP/1.1",
    host: random.pick(["Shop.example", "blog.example", ""]),
    status: random.pick([0, 200, 204, 404, 499, 500, 503, 599]),
    body_bytes_sent: random.between(0, 5_000),
    response_time_ms: random.chance(20) ? null : random.between(0, 2_000) / 4,
    user_agent: random.pick(browsers),
    referer: random.pick([null, "https://Search.example/?q=API"]),
    request_id: random.chance(30) ? null : `request-${random.between(1, 9)}`,
    ...(random.chance(50) ? { virtual_host_id: random.pick(hosts) } : {})
  }
})

export const randomLine = (random: SeededRandom): RandomLine => ({
  agentId: random.pick(agents),
  // Many at one time: nginx's own format knows seconds.
  atMillis: beginMillis + random.between(0, 40) * 1_000,
  columns: columnsOf(
    random.chance(95)
      ? randomLogLine(random)
      : { timestamp: Timestamp.make("2026-03-02T00:00:00.000Z"), source: "access", text: "GARBAGE of api" }
  )
})

const maybe = <A>(random: SeededRandom, percent: number, value: () => A): A | null =>
  random.chance(percent) ? value() : null

export const randomFilter = (random: SeededRandom): AccessLogFilter => {
  const fromMillis = beginMillis + random.between(-2, 30) * 1_000
  return {
    fromMillis,
    toMillis: fromMillis + random.between(1, 45) * 1_000,
    agentIds: maybe(random, 50, () => random.shuffle(agents).slice(0, random.between(0, 4))),
    host: maybe(random, 20, () => random.pick(["shop.example", "blog.example", "none.example"])),
    statusMin: maybe(random, 30, () => random.pick([0, 400, 500, 501])),
    statusMax: maybe(random, 20, () => random.pick([499, 503, 599])),
    method: maybe(random, 20, () => random.pick(["GET", "POST"])),
    pathPrefix: maybe(random, 20, () => random.pick(["/", "/api", "/a%", "/ü", "/API"])),
    text: maybe(random, 20, () => random.pick(["api", "users", "%27", "ünicode", "--", "_", "garbage"])),
    latencyMicrosMin: maybe(random, 15, () => random.between(0, 400_000)),
    latencyMicrosMax: maybe(random, 15, () => random.between(0, 600_000)),
    address: maybe(random, 20, () =>
      rangeOfAddress(random.pick(["203.0.113.7", "203.0.113.0/24", "0.0.0.0/0", "2001:db8::/32", "::/0"]))
    ),
    requestId: maybe(random, 10, () => `request-${random.between(1, 9)}`),
    virtualHostId: maybe(random, 10, () => random.pick(hosts))
  }
}
