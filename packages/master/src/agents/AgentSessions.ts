/**
 * The agents that are connected to this master: a session each, told at once when their configuration changes, and
 * what they last said of themselves. Nothing here survives the process; agents report again when they connect.
 */
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { canonicalJson } from "@nxmesh/core/nginx/Generation"
import { AgentId, type Generation } from "@nxmesh/protocol/Ids"
import { compareOrder, type Order } from "@nxmesh/protocol/link/Directive"
import { type LinkRefused, refused } from "@nxmesh/protocol/link/LinkRefused"
import type { HealthReport } from "@nxmesh/protocol/link/Report"
import type { StoredAgent } from "@nxmesh/protocol/model/Agent"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import type { DeploymentOutcome } from "@nxmesh/protocol/model/Deployment"
import { Context, DateTime, Effect, Layer, Queue, type Scope } from "effect"
import { Commands } from "../command/Commands.ts"
import { ConfigEngine } from "../config/ConfigEngine.ts"
import type { AgentConnection, AgentConnectRequest } from "../link/AgentGateway.ts"
import { Events } from "../state/Events.ts"
import { Reads } from "../state/Reads.ts"
import { agentMetrics } from "./AgentMetrics.ts"
import { type AgentSession, makeAgentSession } from "./AgentSession.ts"
import { type Ended, OutcomeRecorder } from "./OutcomeRecorder.ts"
import type { Failure } from "./RetryPolicy.ts"

/** What is known of an agent by its sessions with this master. */
export interface AgentLiveness {
  readonly connected: boolean
  /** ISO 8601. */
  readonly lastSeenAt: string
  readonly health: HealthReport | null
  /** What the agent last said that it serves; what it reports of a deployment counts once that is recorded. */
  readonly serving: Generation | null
}

interface Known extends AgentLiveness {
  readonly session: AgentSession | undefined
  readonly failure: Failure | null
}

const neverSeen = { connected: false, health: null, serving: null, session: undefined, failure: null }

/** Opened anew by a restore or a forced recovery of the cluster (design-cluster.md 1). */
const clusterEpoch = 1

export class AgentSessions extends Context.Service<
  AgentSessions,
  {
    /** Opens the agent's session; it ends with the scope. An older one of the same agent is left to its own scope. */
    readonly connect: (request: AgentConnectRequest) => Effect.Effect<AgentConnection, LinkRefused, Scope.Scope>
    /** A bundle that the agent was told to serve, whole. */
    readonly bundle: (agentId: AgentId, generation: Generation) => Effect.Effect<Bundle, LinkRefused>
    /** `undefined` for an agent that this master has not seen since it started. */
    readonly view: (agentId: AgentId) => Effect.Effect<AgentLiveness | undefined>
    /** Tries what failed once more, without waiting. False when the agent is not connected. */
    readonly deployAgain: (agentId: AgentId) => Effect.Effect<boolean>
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
      const known = new Map<AgentId, Known>()
      const stored = (agentId: AgentId) => reads.get("agent", agentId)

      const look = (at: "agent" | "bundle") => (agentIds: Iterable<AgentId>) =>
        Effect.forEach(agentIds, (id) => known.get(id)?.session?.look(at) ?? Effect.void, { discard: true })
      yield* engine.listen(({ agentIds }) => look("bundle")(agentIds))
      yield* followAgents(look("agent"), known)

      /** Health and time of the last sign of life, for as long as the agent exists. */
      const seen = Effect.fnUntraced(function* (agentId: AgentId, fields: Partial<Known>) {
        const lastSeenAt = DateTime.formatIso(yield* DateTime.now)
        const before = known.get(agentId) ?? { ...neverSeen }
        known.set(agentId, { ...before, ...fields, lastSeenAt })
      })

      const leave = Effect.fnUntraced(function* (agentId: AgentId, session: AgentSession) {
        metrics.sessions.dec()
        if (known.get(agentId)?.session !== session) return
        if (session.isEnded()) known.delete(agentId)
        else yield* seen(agentId, { connected: false, session: undefined, failure: yield* session.failure })
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
        const { agentId, registration } = request
        const agent = yield* stored(agentId)
        const generation = yield* Effect.orElseSucceed(engine.generation(agentId), () => undefined)
        if (agent === undefined || generation === undefined) {
          return yield* refused("unknown_agent", "this agent was removed: enrol it anew with a new token")
        }
        yield* refuseBehind({ epoch: clusterEpoch, index: yield* engine.index }, registration.highest_order)
        yield* recordFacts(agent, request)

        const session = yield* makeAgentSession(
          { engine, identifiers, metrics, stored, epoch: clusterEpoch },
          {
            agent,
            desired: generation,
            serving: registration.serving,
            failure: known.get(agentId)?.failure ?? (yield* failureOf(reads, agentId))
          }
        )
        yield* Effect.acquireRelease(
          seen(agentId, { connected: true, session, serving: registration.serving }).pipe(
            Effect.andThen(Effect.sync(() => metrics.sessions.inc()))
          ),
          () => leave(agentId, session)
        )
        return connectionOf(agentId, session)
      })

      const withManifest = Effect.fnUntraced(function* (outcome: DeploymentOutcome): Effect.fn.Return<Ended> {
        const manifest = outcome.status === "settled" ? yield* engine.versionsToRecord(outcome.generation) : undefined
        return manifest === undefined ? { outcome } : { outcome, manifest }
      })

      const connectionOf = (agentId: AgentId, session: AgentSession): AgentConnection => ({
        clusterEpoch,
        directives: session.directives,
        reportDeployments: Effect.fn("AgentSessions.reportDeployments")(function* ({ outcomes }) {
          // The next deployment need not wait for the disk; the agent's own copy is dropped only after it.
          for (const outcome of outcomes) {
            metrics.outcomes.inc({ status: outcome.status })
            yield* session.tell({ _tag: "Outcome", outcome })
          }
          yield* seen(agentId, {})
          yield* recorder
            .record(agentId, yield* Effect.forEach(outcomes, withManifest))
            .pipe(Effect.mapError((error) => refused("unavailable", `outcomes cannot be recorded: ${error.message}`)))
          const last = outcomes.at(-1)
          if (last !== undefined) yield* seen(agentId, { serving: last.serving_generation })
        }),
        reportHealth: (health) =>
          seen(agentId, { health, serving: health.config_checksum }).pipe(
            Effect.andThen(session.tell({ _tag: "Health", serving: health.config_checksum }))
          ),
        reportLogs: () => seen(agentId, {}),
        reportMetrics: () => seen(agentId, {})
      })

      return AgentSessions.of({
        connect,
        bundle: Effect.fn("AgentSessions.bundle")(function* (agentId, generation) {
          const given = known.get(agentId)?.session?.isGiven(generation) === true
          const bundle = given ? yield* engine.bundleOf(agentId, generation).pipe(Effect.mapError(noBundle)) : undefined
          return (
            bundle ??
            (yield* refused("unavailable", "this bundle is no longer what you should have: await a directive"))
          )
        }),
        view: (agentId) => Effect.sync(() => known.get(agentId)),
        deployAgain: Effect.fn("AgentSessions.deployAgain")(function* (agentId) {
          const session = known.get(agentId)?.session
          if (session === undefined) return false
          yield* session.tell({ _tag: "Retry" })
          return true
        })
      })
    })
  )

  static readonly layer = AgentSessions.layerNoDeps.pipe(Layer.provide(OutcomeRecorder.layer))
}

const noBundle = (error: Error): LinkRefused => refused("unavailable", error.message)

/** An agent that has seen a newer state than this master would refuse every directive. */
const refuseBehind = (here: Order, highest: Order | null): Effect.Effect<void, LinkRefused> =>
  highest === null || compareOrder(highest, here) <= 0
    ? Effect.void
    : Effect.fail(
        refused(
          "unavailable",
          `this master is at entry ${here.index} of epoch ${here.epoch} and the agent has seen entry ${highest.index} of epoch ${highest.epoch}: connect to another master, or recover the cluster so that it opens a new epoch`
        )
      )

/** After a restart of the master, the log remembers what failed last. */
const failureOf = Effect.fnUntraced(function* (reads: Reads["Service"], agentId: AgentId) {
  const last = yield* reads.lastDeployment(agentId)
  if (last === undefined || last.status === "settled") return null
  return { generation: last.generation, attempts: 1, failedAtMillis: Date.parse(last.finished_at) } satisfies Failure
})

/** Sessions look when their agent's own settings change; what is known of a removed agent is forgotten. */
const followAgents = Effect.fnUntraced(function* (
  look: (agentIds: Iterable<AgentId>) => Effect.Effect<void>,
  known: Map<AgentId, Known>
) {
  const applied = yield* (yield* Events).subscribe
  const follow = Effect.gen(function* () {
    const { event } = yield* Queue.take(applied)
    if (event._tag === "StateReset") yield* look(known.keys())
    if (event._tag === "AgentRemoved") {
      yield* look([event.agent_id])
      if (known.get(event.agent_id)?.session === undefined) known.delete(event.agent_id)
    }
    if (event._tag === "ResourceChanged" && event.kind === "agent") {
      yield* look([AgentId.make(event.id)])
    }
  })
  yield* follow.pipe(Effect.forever, Effect.forkScoped)
})
