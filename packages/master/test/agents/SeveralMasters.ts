/**
 * The agents' side of several masters in one process. They share one state, which stands for replication that is never
 * late; what they say to each other goes straight to the other one's handlers, unless a test cuts it.
 */
import { AgentMessage, AgentReply, PresenceAnswer, PresenceQuestion } from "@nxmesh/protocol/peer/AgentMessage"
import type { AgentId, MasterId } from "@nxmesh/protocol/Ids"
import type { Directive } from "@nxmesh/protocol/link/Directive"
import { spokenVersions } from "@nxmesh/protocol/link/LinkVersion"
import type { Registration } from "@nxmesh/protocol/link/Registration"
import { Context, Effect, Exit, Layer, Queue, Schema, Scope, Stream } from "effect"
import { ActionOutcomes } from "../../src/agents/ActionOutcomes.ts"
import { AgentPresence } from "../../src/agents/AgentPresence.ts"
import { AgentSessions } from "../../src/agents/AgentSessions.ts"
import { layerClaims } from "../../src/agents/Claims.ts"
import { MasterSilent, OtherMasters } from "../../src/agents/OtherMasters.ts"
import { SessionRouter } from "../../src/agents/SessionRouter.ts"
import { ThisMaster } from "../../src/agents/ThisMaster.ts"
import { masterId } from "../state/TestCluster.ts"

/** What one master has. */
type Services = ActionOutcomes | AgentPresence | AgentSessions | SessionRouter | ThisMaster

export interface TestMaster {
  readonly id: MasterId
  readonly services: Context.Context<Services>
  /** As a kill: its sessions are gone, and it answers nobody. */
  readonly die: Effect.Effect<void>
}

/** What crosses the wire is encoded and decoded, as it would be. */
const over = <S extends Schema.Codec<unknown, unknown>>(schema: S, value: S["Type"]): S["Type"] => {
  const codec = Schema.toCodecJson(schema)
  return Schema.decodeUnknownSync(codec)(JSON.parse(JSON.stringify(Schema.encodeSync(codec)(value))))
}

const silent = new MasterSilent({ reason: "Unreachable", message: "cut by the test" })

/** Starts these masters; each is rebuilt by starting it again. */
export const severalMasters = Effect.fnUntraced(function* (count: number) {
  const cut = new Set<MasterId>()
  const running = new Map<MasterId, TestMaster>()
  const ids = Array.from({ length: count }, (_, index) => masterId(index + 1))

  const othersOf = (self: MasterId) => {
    const reach = (id: MasterId): Effect.Effect<Context.Context<Services>, MasterSilent> => {
      const other = running.get(id)
      return other === undefined || cut.has(id) || cut.has(self) ? Effect.fail(silent) : Effect.succeed(other.services)
    }
    return OtherMasters.of({
      ids: Effect.succeed(ids.filter((id) => id !== self)),
      message: (id, agentId, message) =>
        reach(id).pipe(
          Effect.flatMap((services) =>
            Context.get(services, AgentSessions).receive(agentId, over(AgentMessage, message))
          ),
          Effect.map((reply) => over(AgentReply, reply))
        ),
      presence: (id, question) =>
        reach(id).pipe(
          Effect.flatMap((services) => Context.get(services, AgentPresence).answer(over(PresenceQuestion, question))),
          Effect.map((answer) => over(PresenceAnswer, answer))
        )
    })
  }
  const layerOf = (id: MasterId) =>
    Layer.mergeAll(SessionRouter.layer, ActionOutcomes.layer, layerClaims).pipe(
      Layer.provideMerge(AgentPresence.layer),
      Layer.provideMerge(AgentSessions.layer),
      Layer.provideMerge(Layer.mergeAll(ThisMaster.layerOf(id), Layer.succeed(OtherMasters, othersOf(id)))),
      Layer.fresh
    )
  const start = Effect.fnUntraced(function* (number: number) {
    const id = masterId(number)
    const scope = yield* Scope.fork(yield* Effect.scope)
    const services = yield* Layer.buildWithScope(layerOf(id), scope)
    const master: TestMaster = {
      id,
      services,
      die: Effect.suspend(() => {
        running.delete(id)
        return Scope.close(scope, Exit.void)
      })
    }
    running.set(id, master)
    return master
  })
  return { start, cut }
})

const facts = {
  hostname: "edge-1",
  version: "0.1.0",
  deployment_mode: "standalone",
  nginx: null,
  capabilities: []
} as const

export interface TestConnection {
  readonly directives: Queue.Queue<Directive>
  /** Why the master closed it; empty while it has not. */
  readonly closed: Array<string>
  /** The agent leaves. */
  readonly leave: Effect.Effect<void>
}

/** A connection of the agent to the master, which the agent ends when the master closes it. */
export const connectTo = Effect.fnUntraced(function* (
  { services }: { readonly services: Context.Context<AgentSessions> },
  agentId: AgentId,
  fields: Partial<Registration> = {}
) {
  const scope = yield* Scope.fork(yield* Effect.scope)
  const closed: Array<string> = []
  const closing = yield* Queue.sliding<void>(1)
  const connection = yield* Scope.provide(
    Context.get(services, AgentSessions).connect({
      agentId,
      registration: {
        protocol: spokenVersions,
        facts,
        connection_epoch: 1,
        highest_order: null,
        serving: null,
        ...fields
      },
      protocol: fields.protocol?.newest ?? spokenVersions.newest,
      remoteAddress: "192.0.2.1",
      close: (why) => {
        closed.push(why)
        Queue.offerUnsafe(closing, undefined)
      }
    }),
    scope
  )
  const directives = yield* Queue.unbounded<Directive>()
  const given = yield* connection.directives(null)
  yield* Stream.fromQueue(given).pipe(
    Stream.filter(({ _tag }) => _tag !== "Policy"),
    Stream.runForEach((directive) => Queue.offer(directives, directive)),
    Effect.forkScoped
  )
  const leave = Scope.close(scope, Exit.void)
  yield* Queue.take(closing).pipe(Effect.andThen(leave), Effect.forkScoped)
  const made: TestConnection = { directives, closed, leave }
  return { ...made, connection }
})
