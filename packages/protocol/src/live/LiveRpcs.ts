/**
 * What a master tells a console while it happens: an RPC group over one WebSocket (MF-002). It says that something changed
 * and how much there is of what; the objects themselves are read over the API, whose types and permissions hold.
 *
 * A browser cannot set headers on a WebSocket, so each request carries the access token in a header of its own message. No
 * cookie opens this door: a page of another origin that connects has no token to send.
 */
import { Schema } from "effect"
import { Rpc, RpcGroup, RpcMiddleware } from "effect/rpc"
import { WatchEvent } from "../api/WatchApi.ts"
import type { CurrentUser } from "../api/Authentication.ts"
import { AgentId, WorkspaceId } from "../Ids.ts"
import { Limits } from "../Limits.ts"
import { AgentState } from "../model/Agent.ts"
import { Cluster } from "../model/ClusterStatus.ts"
import { Timestamp } from "../model/Text.ts"

/** Where a console connects. */
export const livePath = "/api/v1/live"

/** Why a request or a stream ends: sign in again, or come back later. */
export const LiveRefused = Schema.TaggedStruct("LiveRefused", {
  reason: Schema.Literals(["unauthenticated", "forbidden", "busy", "stopping"]),
  message: Schema.String
})
export type LiveRefused = typeof LiveRefused.Type

/** Verifies the token of every request. */
export class LiveAuthentication extends RpcMiddleware.Service<LiveAuthentication, { provides: CurrentUser }>()(
  "@nxmesh/protocol/live/LiveAuthentication",
  { error: LiveRefused, requiredForClient: true }
) {}

/** What came after the index that was asked with, and the index to ask with next time. */
export const LiveChanges = Schema.Struct({
  index: Schema.Int,
  /** True when what came before `index` is forgotten here: read everything anew. */
  compacted: Schema.Boolean,
  events: Schema.Array(WatchEvent)
})
export type LiveChanges = typeof LiveChanges.Type

/** An agent as far as it changes by itself. */
export const LiveAgent = Schema.Struct({
  id: AgentId,
  state: AgentState,
  state_reason: Schema.NullOr(Schema.String),
  last_seen_at: Schema.NullOr(Timestamp),
  desired_generation: Schema.NullOr(Schema.String),
  serving_generation: Schema.NullOr(Schema.String)
})
export type LiveAgent = typeof LiveAgent.Type

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** How the fleet and its masters are, in one look. */
export const Overview = Schema.Struct({
  at: Timestamp,
  /** Agents of the workspaces that the asker may see, by state. */
  agents: Schema.Record(AgentState, count),
  /** Of those that are connected: how many serve what they should. */
  converged: count,
  connected: count,
  /** `null` without the permission cluster:read. */
  cluster: Schema.NullOr(Cluster)
})
export type Overview = typeof Overview.Type

export class LiveRpcs extends RpcGroup.make(
  /** Changes from an index on, without end: `null` begins with what comes next. */
  Rpc.make("Changes", {
    payload: { after: Schema.NullOr(Schema.Int) },
    success: LiveChanges,
    error: LiveRefused,
    stream: true
  }),
  /** At once, then when something in it changed, at most once a second. */
  Rpc.make("Overview", {
    payload: { workspace_id: Schema.NullOr(WorkspaceId) },
    success: Overview,
    error: LiveRefused,
    stream: true
  }),
  /** These agents as they are, then those that changed. */
  Rpc.make("Agents", {
    payload: { ids: Schema.Array(AgentId).check(Schema.isMaxLength(Limits.liveAgentsMax)) },
    success: Schema.Array(LiveAgent),
    error: LiveRefused,
    stream: true
  })
).middleware(LiveAuthentication) {}
