/** The live channel's calls. Each stream ends when its console goes, when the master stops, or when it may not go on. */
import { CurrentUser } from "@nxmesh/protocol/api/Authentication"
import {
  type LiveAgent,
  type LiveChanges,
  LiveRpcs,
  type LiveRefused,
  type Overview
} from "@nxmesh/protocol/live/LiveRpcs"
import { type Access, allows, allowsSomewhere, scopeOf } from "@nxmesh/protocol/model/Access"
import type { Permission } from "@nxmesh/protocol/model/Permission"
import { DateTime, Effect, Stream } from "effect"
import { currentCluster } from "../CurrentCluster.ts"
import { Callers } from "../../auth/Callers.ts"
import { EventWatch, WatchEnded } from "../EventWatch.ts"
import { watchable } from "../Watchable.ts"
import { ClusterStatus } from "../../cluster/ClusterStatus.ts"
import { Limits } from "../../Limits.ts"
import { Reads } from "../../state/Reads.ts"
import { feed } from "./Feed.ts"
import { FleetSnapshot, type SeenAgent } from "./FleetSnapshot.ts"
import { countAgents, overviewKey } from "./OverviewFeed.ts"

const refused = (reason: LiveRefused["reason"], message: string): LiveRefused => ({
  _tag: "LiveRefused",
  reason,
  message
})

const requirePermission = Effect.fnUntraced(function* (permission: Permission) {
  if (allowsSomewhere((yield* CurrentUser).access, permission)) return
  return yield* Effect.fail(refused("forbidden", `this needs the permission ${permission}`))
})

const liveAgent = ({ desired, id, lastSeenAt, serving, state, stateReason }: SeenAgent): LiveAgent => ({
  id,
  state,
  state_reason: stateReason,
  last_seen_at: lastSeenAt,
  desired_generation: desired,
  serving_generation: serving
})

/** When an agent was last seen changes with every heartbeat, and nobody looks at the seconds. */
const agentKey = ({ last_seen_at: _seen, ...agent }: LiveAgent): string => JSON.stringify(agent)

export const layerLiveHandlers = LiveRpcs.toLayer(
  Effect.gen(function* () {
    const reads = yield* Reads
    const snapshot = yield* FleetSnapshot
    const status = yield* ClusterStatus
    const { watch } = yield* EventWatch
    const callers = yield* Callers
    let streams = 0

    const bounded = <A, R>(stream: Stream.Stream<A, LiveRefused, R>): Stream.Stream<A, LiveRefused, R> =>
      Stream.unwrap(
        Effect.acquireRelease(
          Effect.suspend(() => {
            if (streams >= Limits.live.streamsMax) {
              return Effect.fail(refused("busy", "too many consoles are open on this master: try another one"))
            }
            streams += 1
            return Effect.succeed(stream)
          }),
          () => Effect.sync(() => (streams -= 1))
        )
      )

    const changesAfter = Effect.fnUntraced(function* (index: number) {
      const { principal } = yield* CurrentUser
      return yield* watch({
        index,
        waitSeconds: Limits.live.waitSeconds,
        access: callers.standing(principal),
        tell: watchable
      }).pipe(
        Effect.mapError(({ _tag, message }) => refused(_tag === "WatchEnded" ? "unauthenticated" : "busy", message))
      )
    })

    const changes = (after: number | null) =>
      Stream.unfold({ index: after, isFirst: true }, ({ index, isFirst }) =>
        Effect.gen(function* () {
          if (index === null) {
            const now: LiveChanges = { index: yield* reads.appliedIndex, compacted: false, events: [] }
            return [now, { index: now.index, isFirst: false }] as const
          }
          if (!isFirst) yield* Effect.sleep(Limits.live.changesInterval)
          const answer = yield* changesAfter(index)
          return [answer, { index: answer.index, isFirst: false }] as const
        })
      )

    /** What whoever looks on may do now: a stream outlives a change of their rights, and their session. */
    const accessNow = Effect.gen(function* () {
      const { principal } = yield* CurrentUser
      const access = yield* callers.standing(principal)
      return access ?? (yield* Effect.fail(refused("unauthenticated", new WatchEnded().message)))
    })

    /** The workspaces whose agents may be seen. */
    const seenWorkspaces = Effect.fnUntraced(function* (access: Access) {
      const all = yield* reads.all("workspace")
      const isSeen = ({ id, organization_id }: (typeof all)[number]) =>
        allows(access, "agent:read", scopeOf({ organization_id, workspace_id: id }))
      return new Set(all.filter(isSeen).map(({ id }) => id))
    })

    const overview = (workspaceId: string | null) =>
      Effect.gen(function* () {
        const access = yield* accessNow
        const seen = yield* seenWorkspaces(access)
        const counts = countAgents(
          yield* snapshot.agents,
          (id) => (workspaceId === null || id === workspaceId) && seen.has(id)
        )
        const cluster = allowsSomewhere(access, "cluster:read")
          ? yield* currentCluster.pipe(
              Effect.provideService(Reads, reads),
              Effect.provideService(ClusterStatus, status)
            )
          : undefined
        const at = DateTime.formatIso(yield* DateTime.now)
        return { at, ...counts, cluster: cluster ?? null } satisfies Overview
      })

    return LiveRpcs.of({
      Changes: ({ after }) => bounded(changes(after)),
      Overview: ({ workspace_id }) => bounded(feed(overview(workspace_id), Limits.live.overviewInterval, overviewKey)),
      Agents: ({ ids }) =>
        bounded(
          Stream.unwrap(
            Effect.as(
              requirePermission("agent:read"),
              Stream.unfold(new Map<string, string>(), (told) =>
                Effect.gen(function* () {
                  for (let isFirst = told.size === 0; ; isFirst = false) {
                    if (!isFirst) yield* Effect.sleep(Limits.live.agentsInterval)
                    const visible = yield* seenWorkspaces(yield* accessNow)
                    const found = yield* snapshot.some(ids)
                    const agents = found.filter(({ workspaceId }) => visible.has(workspaceId)).map(liveAgent)
                    const changed = agents.filter((agent) => told.get(agent.id) !== agentKey(agent))
                    if (changed.length === 0 && !(isFirst && told.size === 0)) continue
                    const next = new Map(agents.map((agent) => [agent.id as string, agentKey(agent)]))
                    return [changed, next] as const
                  }
                })
              )
            )
          )
        )
    })
  })
)
