/**
 * What people ask of one connected agent (AF-001). Level-triggered like everything of a session: what the state says is asked
 * for and not answered yet is given to the agent, once in each session; so a request survives the master that took it, and an
 * answer that was lost is given again, as the agent does nothing twice under one id.
 *
 * A preflight is not in the state: who asks waits for it, and nothing is changed by it.
 */
import type { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { ActionId, type AgentId, type Generation } from "@nxmesh/protocol/Ids"
import { type Directive, directiveSince, type Order } from "@nxmesh/protocol/link/Directive"
import { type ActionRecord, lifecycleOf } from "@nxmesh/protocol/model/ActionRecord"
import type { ActionOutcome, AgentAction } from "@nxmesh/protocol/model/AgentAction"
import type { AgentMessage, AgentReply } from "@nxmesh/protocol/peer/AgentMessage"
import { Clock, Deferred, Duration, Effect, type Scope } from "effect"
import type { BundleError } from "../config/BundleError.ts"
import type { ConfigEngine } from "../config/ConfigEngine.ts"
import { Limits } from "../Limits.ts"
import { awaitOrder } from "./CatchingUp.ts"

export interface SessionActionsOptions {
  readonly agentId: AgentId
  /** The version of the link that both sides speak. */
  readonly protocol: number
  readonly engine: Pick<ConfigEngine["Service"], "draftedUpdate">
  readonly identifiers: Identifiers["Service"]
  /** Where this master is. */
  readonly order: Effect.Effect<Order>
  /** What the agent can take a delta against. */
  readonly base: () => Generation | null
  readonly pending: Effect.Effect<ReadonlyArray<ActionRecord>>
  readonly record: (outcome: ActionOutcome) => Effect.Effect<void>
  readonly give: (directive: Directive) => Effect.Effect<void>
}

export interface SessionActions {
  /** Gives the agent what is asked of it. For the session's actor alone. */
  readonly look: Effect.Effect<void>
  readonly preflight: (message: Extract<AgentMessage, { readonly _tag: "Preflight" }>) => Effect.Effect<AgentReply>
  /** The agent's word; done when it is durable, where it has to be. */
  readonly answered: (outcome: ActionOutcome) => Effect.Effect<void>
}

const unable = (reason: string): AgentReply => ({ _tag: "Unable", reason })
const gone: AgentReply = { _tag: "NotConnected" }
const performSince = directiveSince("Perform")

/** What agents of an older version cannot be asked for. */
export const tooOld = (protocol: number): string | null =>
  protocol >= performSince
    ? null
    : `the agent speaks version ${protocol} of the link, which has no actions: upgrade the agent`

export const makeSessionActions = Effect.fnUntraced(function* (
  options: SessionActionsOptions
): Effect.fn.Return<SessionActions, never, Scope.Scope> {
  const { agentId, base, engine, give, identifiers, order, pending, protocol, record } = options
  const given = new Set<ActionId>()
  /** Preflights that the agent has not answered. */
  const waiting = new Map<ActionId, Deferred.Deferred<AgentReply>>()
  let preflights = 0
  yield* Effect.addFinalizer(() =>
    Effect.forEach(waiting.values(), (reply) => Deferred.succeed(reply, gone), { discard: true })
  )

  const perform = (action_id: ActionId, action: AgentAction) => give({ _tag: "Perform", action_id, action })

  /** Found pending when the agent connected, and nobody waited for them any more. */
  const passedOver = new Set<ActionId>()
  let isFirst = true

  const look = Effect.gen(function* () {
    const asked = yield* pending
    const nowMillis = yield* Clock.currentTimeMillis
    const youngMillis = Duration.toMillis(isFirst ? Limits.agents.actionAnswerMax : Limits.agents.actionClocksDifferMax)
    isFirst = false
    for (const each of asked) {
      const action = lifecycleOf(each)
      // What nobody waits for any more is not begun: a restart that comes an hour late is an outage.
      if (nowMillis - Date.parse(each.requested_at) > youngMillis) passedOver.add(each.id)
      if (action === null || given.has(each.id) || passedOver.has(each.id) || tooOld(protocol) !== null) continue
      given.add(each.id)
      yield* Effect.logInfo("an agent is asked for an action", {
        agent_id: agentId,
        action_id: each.id,
        action: each.action
      })
      yield* perform(each.id, action)
    }
    const known = new Set(asked.map(({ id }) => id))
    for (const ids of [given, passedOver]) for (const id of ids) if (!known.has(id)) ids.delete(id)
  })

  /** One question and its answer. */
  const ask = Effect.fnUntraced(function* (action: AgentAction) {
    const id = ActionId.make(yield* identifiers.uuid)
    const reply = yield* Deferred.make<AgentReply>()
    waiting.set(id, reply)
    return yield* perform(id, action).pipe(
      Effect.andThen(Deferred.await(reply)),
      Effect.ensuring(Effect.sync(() => waiting.delete(id)))
    )
  })

  const tested = Effect.fnUntraced(function* ({
    drafts,
    min_index
  }: Parameters<SessionActions["preflight"]>[0]): Effect.fn.Return<AgentReply, BundleError> {
    const { epoch } = yield* order
    const isHere = yield* awaitOrder(order, { epoch, index: min_index }).pipe(
      Effect.as(true),
      Effect.orElseSucceed(() => false)
    )
    if (!isHere) return { _tag: "Busy" }
    const { touched, update } = yield* engine.draftedUpdate(agentId, drafts, base())
    if (!touched) return unable("the change does not touch this agent, so nothing of it would be tested there")
    const reply = yield* ask({ _tag: "preflight", update })
    const isRefused = reply._tag === "Performed" && reply.outcome.status === "refused"
    if (update._tag === "Full" || !isRefused) return reply
    // It may not have what the delta is made against.
    const whole = yield* engine.draftedUpdate(agentId, drafts, null)
    return yield* ask({ _tag: "preflight", update: whole.update })
  })

  return {
    look,
    answered: (outcome) => {
      const reply = waiting.get(outcome.action_id)
      return reply === undefined
        ? record(outcome)
        : Effect.asVoid(Deferred.succeed(reply, { _tag: "Performed", outcome }))
    },
    preflight: (message) => {
      const old = tooOld(protocol)
      if (old !== null) return Effect.succeed(unable(old))
      return Effect.acquireUseRelease(
        Effect.sync(() => (preflights += 1)),
        (count): Effect.Effect<AgentReply> =>
          count > Limits.agents.preflightsWaitingMax
            ? Effect.succeed({ _tag: "Busy" })
            : tested(message).pipe(
                Effect.catch(({ message: why }) => Effect.succeed(unable(why))),
                Effect.timeoutOrElse({
                  duration: Limits.agents.preflightAnswerMax,
                  orElse: () => Effect.succeed(unable(noAnswer))
                })
              ),
        () => Effect.sync(() => void (preflights -= 1))
      )
    }
  }
})

const noAnswer = `the agent did not say within ${Duration.format(Limits.agents.preflightAnswerMax)} what its nginx says: nothing was changed`
