/**
 * The agents that are connected to this master: a session each, told at once when their configuration changes, and
 * what they last said of themselves.
 */
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { continued } from "@nxmesh/core/observe/Traceparent"
import { canonicalJson } from "@nxmesh/core/nginx/Generation"
import { AgentId, type Generation, type WorkspaceId } from "@nxmesh/protocol/Ids"
import type { Directive } from "@nxmesh/protocol/link/Directive"
import { type LinkRefused, refused } from "@nxmesh/protocol/link/LinkRefused"
import type { DeploymentReport } from "@nxmesh/protocol/link/Report"
import type { StoredAgent } from "@nxmesh/protocol/model/Agent"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import type { DeploymentOutcome } from "@nxmesh/protocol/model/Deployment"
import type { AgentMessage, AgentReply } from "@nxmesh/protocol/peer/AgentMessage"
import { Clock, Context, DateTime, Effect, FiberSet, Layer, Queue, type Scope } from "effect"
import { Commands } from "../command/Commands.ts"
import { ConfigEngine } from "../config/ConfigEngine.ts"
import { Limits } from "../Limits.ts"
import type { AgentConnection, AgentConnectRequest } from "../link/AgentGateway.ts"
import { Events } from "../state/Events.ts"
import { Reads } from "../state/Reads.ts"
import { agentMetrics } from "./AgentMetrics.ts"
import { makeActionRecorder } from "./ActionRecorder.ts"
import { type AgentSession, type Looked, makeAgentSession } from "./AgentSession.ts"
import { awaitOrder } from "./CatchingUp.ts"
import { followSwitches } from "./ClusterSwitches.ts"
import { type AgentLiveness, type KnownAgent, KnownAgents, type Seat } from "./KnownAgents.ts"
import { type Ended, OutcomeRecorder } from "./OutcomeRecorder.ts"
import type { Failure } from "./RetryPolicy.ts"

export type { AgentLiveness } from "./KnownAgents.ts"

export class AgentSessions extends Context.Service<
  AgentSessions,
  {
    /** Opens the agent's session; it ends with the scope. An older one of the same agent is left to its own scope. */
    readonly connect: (request: AgentConnectRequest) => Effect.Effect<AgentConnection, LinkRefused, Scope.Scope>
    /** A bundle that the agent was told to serve, whole. */
    readonly bundle: (agentId: AgentId, generation: Generation) => Effect.Effect<Bundle, LinkRefused>
    /** What this master knows by itself; `undefined` for an agent that it has not seen since it started. */
    readonly view: (agentId: AgentId) => Effect.Effect<AgentLiveness | undefined>
    /** Tries what failed once more, without waiting. False when the agent is not connected here. */
    readonly deployAgain: (agentId: AgentId) => Effect.Effect<boolean>
    /** A message for a session of this master. */
    readonly receive: (agentId: AgentId, message: AgentMessage) => Effect.Effect<AgentReply>
    /** Every agent that this master has met. Others read it; only sessions write it. */
    readonly known: KnownAgents
    /** Calls back with every agent that connects, for as long as the scope lasts. The callback must not wait. */
    readonly onConnect: (
      listener: (agentId: AgentId, connectionEpoch: number) => void
    ) => Effect.Effect<void, never, Scope.Scope>
    /** Tells every agent that knows the directive. */
    readonly announce: (directive: Directive) => Effect.Effect<void>
    /** Tells an agent to go to another master, and closes the connection if it does not. */
    readonly dismiss: (agentId: AgentId, reason: string) => Effect.Effect<void>
    /** Closes the agent's connection here unless it is newer than `connectionEpoch`: the agent has another one. */
    readonly supersede: (agentId: AgentId, connectionEpoch: number) => Effect.Effect<void>
    /** From now on no agent is taken, for this reason; `null` takes them again. */
    readonly refuse: (reason: string | null) => Effect.Effect<void>
    readonly isAccepting: () => boolean
  }
>()("@nxmesh/master/agents/AgentSessions") {
  static readonly layerNoDeps = Layer.effect(
    AgentSessions,
    Effect.gen(function* () {
      const commands = yield* Commands
      const engine = yield* ConfigEngine
      const identifiers = yield* Identifiers
      const metrics = yield* agentMetrics
      const reads = yield* Reads
      const recorder = yield* OutcomeRecorder
      const switches = yield* followSwitches
      const known = new KnownAgents()
      const listeners = new Set<(agentId: AgentId, connectionEpoch: number) => void>()
      const leaving = yield* FiberSet.make<void>()
      let closed: string | null = null
      const stored = (agentId: AgentId) => reads.get("agent", agentId)
      const workspacePolicy = (workspaceId: WorkspaceId) =>
        Effect.map(reads.get("workspace", workspaceId), (workspace) => workspace?.agent_policy ?? {})
      const recordAction = yield* makeActionRecorder

      const look = (at: Looked) => (agentIds: Iterable<AgentId>) =>
        Effect.forEach(agentIds, (id) => known.get(id)?.seat?.session.look(at) ?? Effect.void, { discard: true })
      yield* engine.listen(({ agentIds, traces }) => {
        for (const id of agentIds) known.get(id)?.seat?.session.trace(traces)
        return look("bundle")(agentIds)
      })
      yield* followAgents(look, known)

      /** Health and time of the last sign of life, for as long as the agent exists. */
      const seen = (agentId: AgentId, fields: Partial<KnownAgent> = {}) =>
        Effect.map(DateTime.now, (now) => known.seen(agentId, DateTime.formatIso(now), fields))

      const leave = Effect.fnUntraced(function* (agentId: AgentId, seat: Seat) {
        const before = known.get(agentId)
        if (before?.seat === seat) {
          const { session } = seat
          if (session.ended() === "removed") known.forget(agentId)
          else {
            const moving = session.ended() === "dismissed"
            yield* seen(agentId, { connected: false, seat: null, moving, failure: yield* session.failure })
          }
        }
        metrics.sessions.set(known.sessions())
      })

      /** Facts change rarely; only then they are worth an entry of the log. */
      const recordFacts = (agent: StoredAgent, { registration, remoteAddress }: AgentConnectRequest) => {
        const same =
          agent.ip_address === remoteAddress && canonicalJson(agent.facts) === canonicalJson(registration.facts)
        if (same) return Effect.void
        const command = {
          _tag: "RecordAgentFacts" as const,
          agent_id: agent.id,
          facts: registration.facts,
          ip_address: remoteAddress
        }
        return commands.submit({ principal: { _tag: "Agent", agent_id: agent.id }, command, remoteAddress }).pipe(
          Effect.catch((error) =>
            Effect.logWarning(`what an agent said of itself was not recorded: ${error.message}`, {
              agent_id: agent.id
            })
          )
        )
      }

      const connect = Effect.fn("AgentSessions.connect")(function* (request: AgentConnectRequest) {
        const { agentId, close, protocol, registration } = request
        const { connection_epoch: connectionEpoch, serving } = registration
        if (closed !== null) return yield* refused("unavailable", closed)
        const agent = yield* stored(agentId)
        const generation = yield* Effect.orElseSucceed(engine.generation(agentId), () => undefined)
        if (agent === undefined || generation === undefined) {
          return yield* refused("unknown_agent", "this agent was removed: enrol it anew with a new token")
        }
        const here = Effect.gen(function* () {
          const index = yield* engine.index
          return { epoch: (yield* switches).epoch, index }
        })
        yield* awaitOrder(here, registration.highest_order)
        yield* recordFacts(agent, request)

        const session = yield* makeAgentSession(
          {
            engine,
            identifiers,
            metrics,
            stored,
            switches,
            workspacePolicy,
            pendingActions: reads.pendingActions,
            recordAction
          },
          {
            agent,
            protocol,
            desired: yield* Effect.orElseSucceed(engine.generation(agentId), () => generation),
            serving,
            failure: known.get(agentId)?.failure ?? (yield* failureOf(reads, agentId))
          }
        )
        // It may have lost its cluster while the agent waited.
        if (closed !== null) return yield* refused("unavailable", closed)
        const seat: Seat = { session, protocol, close }
        yield* Effect.acquireRelease(
          seen(agentId, { connected: true, moving: false, seat, connectionEpoch, serving }).pipe(
            Effect.andThen(Effect.sync(() => metrics.sessions.set(known.sessions())))
          ),
          () => leave(agentId, seat)
        )
        for (const listener of listeners) listener(agentId, connectionEpoch)
        return yield* connectionOf(agentId, session)
      })

      const withManifest = Effect.fnUntraced(function* (outcome: DeploymentOutcome): Effect.fn.Return<Ended> {
        const manifest = outcome.status === "settled" ? yield* engine.versionsToRecord(outcome.generation) : undefined
        return manifest === undefined ? { outcome } : { outcome, manifest }
      })

      const connectionOf = Effect.fnUntraced(function* (
        agentId: AgentId,
        session: AgentSession
      ): Effect.fn.Return<AgentConnection> {
        const { epoch } = yield* switches
        return {
          clusterEpoch: epoch,
          heartbeatSeconds: session.policy.report_interval_seconds,
          directives: session.directives,
          dismiss: session.dismiss,
          reportDeployments: Effect.fnUntraced(function* ({ outcomes }) {
            // The next deployment need not wait for the disk; the agent's own copy is dropped only after it.
            for (const outcome of outcomes) {
              metrics.outcomes.inc({ status: outcome.status })
              yield* session.tell({ _tag: "Outcome", outcome })
            }
            yield* seen(agentId)
            yield* recorder
              .record(agentId, yield* Effect.forEach(outcomes, withManifest))
              .pipe(Effect.mapError((error) => refused("unavailable", `outcomes cannot be recorded: ${error.message}`)))
            const last = outcomes.at(-1)
            if (last !== undefined) yield* seen(agentId, { serving: last.serving_generation })
          }, inReportSpan(agentId)),
          reportHealth: (health) =>
            seen(agentId, { health, serving: health.config_checksum }).pipe(
              Effect.andThen(session.tell({ _tag: "Health", serving: health.config_checksum }))
            ),
          reportAction: (outcome) => Effect.andThen(seen(agentId), session.answered(outcome)),
          reportLogs: () => seen(agentId),
          reportMetrics: () => seen(agentId)
        }
      })

      const dismiss = Effect.fn("AgentSessions.dismiss")(function* (agentId: AgentId, reason: string) {
        const seat = known.get(agentId)?.seat
        if (seat === null || seat === undefined) return
        const dismissedAtMillis = yield* Clock.currentTimeMillis
        yield* seen(agentId, { dismissedAtMillis })
        yield* seat.session.dismiss(reason)
        yield* FiberSet.run(
          leaving,
          Effect.sleep(Limits.link.goodbyeGrace).pipe(
            Effect.andThen(Effect.sync(() => known.get(agentId)?.seat === seat && seat.close("elsewhere"))),
            Effect.asVoid
          )
        )
      })

      const receive = (agentId: AgentId, message: AgentMessage): Effect.Effect<AgentReply> =>
        known.get(agentId)?.seat?.session.receive(message) ?? Effect.succeed({ _tag: "NotConnected" })

      return AgentSessions.of({
        connect,
        bundle: Effect.fn("AgentSessions.bundle")(function* (agentId, generation) {
          const given = known.get(agentId)?.seat?.session.isGiven(generation) === true
          const bundle = given ? yield* engine.bundleOf(agentId, generation).pipe(Effect.mapError(noBundle)) : undefined
          return (
            bundle ??
            (yield* refused("unavailable", "this bundle is no longer what you should have: await a directive"))
          )
        }),
        view: (agentId) => Effect.sync(() => known.get(agentId)),
        deployAgain: (agentId) =>
          Effect.map(receive(agentId, { _tag: "DeployAgain" }), ({ _tag }) => _tag !== "NotConnected"),
        receive,
        known,
        onConnect: (listener) =>
          Effect.acquireRelease(
            Effect.sync(() => listeners.add(listener)),
            () => Effect.sync(() => listeners.delete(listener))
          ).pipe(Effect.asVoid),
        announce: (directive) =>
          Effect.forEach(known.entries(), ([, { seat }]) => seat?.session.announce(directive) ?? Effect.void, {
            discard: true
          }),
        dismiss,
        supersede: (agentId, connectionEpoch) =>
          Effect.sync(() => {
            const agent = known.get(agentId)
            if (agent?.seat && agent.connectionEpoch <= connectionEpoch) agent.seat.close("superseded")
          }),
        refuse: (reason) =>
          Effect.sync(() => {
            closed = reason
          }),
        isAccepting: () => closed === null
      })
    })
  )

  static readonly layer = AgentSessions.layerNoDeps.pipe(Layer.provide(OutcomeRecorder.layer))
}

/** Goes on with the trace that the agent's report is of. */
const inReportSpan =
  (agentId: AgentId) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>, { trace }: DeploymentReport): Effect.Effect<A, E, R> =>
    Effect.withSpan(effect, "AgentSessions.reportDeployments", {
      ...continued([trace]),
      kind: "server",
      attributes: { "nxmesh.agent_id": agentId }
    })

const noBundle = (error: Error): LinkRefused => refused("unavailable", error.message)

/** After a restart of the master, the log remembers what failed last. */
const failureOf = Effect.fnUntraced(function* (reads: Reads["Service"], agentId: AgentId) {
  const last = yield* reads.lastDeployment(agentId)
  if (last === undefined || last.status === "settled") return null
  return { generation: last.generation, attempts: 1, failedAtMillis: Date.parse(last.finished_at) } satisfies Failure
})

/** Sessions look when their agent's own settings or the cluster's change; what is known of a removed agent is forgotten. */
const followAgents = Effect.fnUntraced(function* (
  look: (at: Looked) => (agentIds: Iterable<AgentId>) => Effect.Effect<void>,
  known: KnownAgents
) {
  const inWorkspace = (id: string) =>
    [...known.entries()].flatMap(([agentId, { seat }]) => (seat?.session.workspaceId === id ? [agentId] : []))
  const applied = yield* (yield* Events).subscribe
  const follow = Effect.gen(function* () {
    const { event } = yield* Queue.take(applied)
    if (event._tag === "StateReset" || event._tag === "FreezeChanged") yield* look("agent")(known.ids())
    if (event._tag === "StateReset") yield* look("actions")(known.ids())
    if (event._tag === "AgentActionRequested") yield* look("actions")([event.agent_id])
    if (event._tag === "AgentRemoved") {
      yield* look("agent")([event.agent_id])
      if (known.get(event.agent_id)?.connected !== true) known.forget(event.agent_id)
    }
    if (event._tag === "ResourceChanged" && event.kind === "agent") {
      yield* look("agent")([AgentId.make(event.id)])
    }
    if (event._tag === "ResourceChanged" && event.kind === "workspace") yield* look("agent")(inWorkspace(event.id))
  })
  yield* follow.pipe(Effect.forever, Effect.forkScoped)
})
