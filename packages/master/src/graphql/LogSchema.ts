/** What GraphQL offers of access logs (OB-003). The fields' rules are those of REST: arguments are decoded by the same schema. */
import { buildSchema } from "graphql"

export const logSchema = buildSchema(`
"An instant, or a day in UTC: 2026-03-01, 2026-03-01T10:30:00Z"
scalar Instant
"A whole number of up to 53 bits"
scalar Long

input TimeRange { "included" from: Instant "excluded" to: Instant }
input IntRange { eq: Int gte: Int lte: Int }
input FloatRange { gte: Float lte: Float }

"All that are given must match. Without a time range: the last hour."
input AccessLogFilter {
  agentId: ID
  workspaceId: ID
  host: String
  timeRange: TimeRange
  statusCode: IntRange
  "5xx, or 404"
  status: String
  method: String
  "Of the path, without its query"
  pathPrefix: String
  "Within path, query, user agent or referer; Latin letters in either case"
  text: String
  responseTimeMs: FloatRange
  "An address or a network: 203.0.113.7, 2001:db8::/32"
  remoteAddress: String
  requestId: String
  virtualHostId: ID
}

type AccessLogEntry {
  "Also a cursor: give it as 'after' for older entries"
  id: ID!
  agentId: ID!
  timestamp: String!
  remoteAddr: String
  method: String!
  uri: String!
  protocol: String!
  host: String!
  status: Int!
  bodyBytesSent: Long!
  responseTimeMs: Float
  userAgent: String
  referer: String
  requestId: String
  virtualHostId: ID
  location: String
  upstreamAddr: String
  upstreamStatus: Int
  upstreamConnectTimeMs: Float
  upstreamHeaderTimeMs: Float
  upstreamResponseTimeMs: Float
  "The line itself where its format is not known"
  text: String
}

enum AccessLogDimension {
  agentId host method path protocol status statusClass remoteAddr userAgent referer virtualHostId location upstreamAddr
}

type AccessLogKey { dimension: AccessLogDimension! value: String }
"avg is exact, percentiles are within 2 % of the true one"
type AccessLogLatency { avg: Float! p50: Float! p95: Float! p99: Float! }

type AccessLogGroup {
  key: [AccessLogKey!]!
  "The beginning of the time that the group is of, with bucketSeconds"
  bucket: String
  count: Long!
  bytes: Float!
  "Share of requests with a status from 500 on"
  errorRate: Float!
  latencyMs: AccessLogLatency
}

type Query {
  "The newest first"
  accessLogs(filter: AccessLogFilter, limit: Int = 100, after: String): [AccessLogEntry!]!
  "Groups with the most requests; with bucketSeconds the newest first"
  accessLogAggregate(
    filter: AccessLogFilter
    groupBy: [AccessLogDimension!]
    bucketSeconds: Int
    limit: Int = 50
  ): [AccessLogGroup!]!
}
`)
