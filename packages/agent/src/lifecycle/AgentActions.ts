/** Carries out what a person asks of this agent's nginx (AF-001), one at a time, and answers with what came of it. */
import type { ActionId } from "@nxmesh/protocol/Ids"
import type { ActionOutcome, AgentAction } from "@nxmesh/protocol/model/AgentAction"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { Cause, Context, DateTime, Deferred, Effect, Exit, Layer, Scope, Semaphore } from "effect"
import { Deployer } from "../deploy/Deployer.ts"
import { Limits } from "../Limits.ts"
import { Outcomes } from "../link/Outcomes.ts"
import { NginxInstance } from "../nginx/NginxInstance.ts"
import { NginxWish } from "../nginx/NginxWish.ts"
import { Supervisor } from "../nginx/Supervisor.ts"
import * as Validation from "../nginx/Validation.ts"
import { Preflight } from "../preflight/Preflight.ts"
import { ActionMemory } from "./ActionMemory.ts"
import { type ActionResult, done, failed, fromError, refused } from "./ActionResult.ts"
import { upgradeBinary } from "./BinaryUpgrade.ts"
import * as NginxActions from "./NginxActions.ts"
import * as Rollback from "./Rollback.ts"

export class AgentActions extends Context.Service<
  AgentActions,
  {
    /**
     * An id that was asked for before is answered with what came of it then, and nothing is done. A caller that goes away does not
     * stop what it asked for.
     */
    readonly perform: (actionId: ActionId, action: AgentAction) => Effect.Effect<ActionOutcome>
  }
>()("@nxmesh/agent/lifecycle/AgentActions") {
  static readonly layer = Layer.suspend(() => Layer.effect(AgentActions, make))
}

const tools = Effect.gen(function* () {
  return {
    instance: yield* NginxInstance,
    supervisor: yield* Supervisor,
    wish: yield* NginxWish,
    deployer: yield* Deployer,
    identifiers: yield* Identifiers,
    outcomes: yield* Outcomes,
    preflight: yield* Preflight,
    // Asked for with the first action: a start has no time for it.
    validationMode: yield* Effect.cached(Validation.detectMode)
  }
})
type AllTools = Effect.Success<typeof tools>

const preflight = Effect.fnUntraced(function* (
  { preflight }: AllTools,
  { update }: Extract<AgentAction, { readonly _tag: "preflight" }>
) {
  const { errors, tested } = yield* preflight.run(update)
  const [first] = errors
  if (!tested) return refused(first?.message ?? "the change could not be tried")
  return first === undefined ? done("nginx would take the change") : failed(first.message, errors)
})

const actions = {
  start: NginxActions.start,
  stop: NginxActions.stop,
  reload: NginxActions.reload,
  restart: NginxActions.restart,
  test: NginxActions.test,
  upgrade_binary: upgradeBinary
}

/** Rollback and preflight wait for their turn themselves. */
const run = (all: AllTools, action: AgentAction): Effect.Effect<ActionResult> => {
  switch (action._tag) {
    case "rollback":
      return Rollback.rollback(all, action.deployment_id)
    case "preflight":
      return preflight(all, action)
    default:
      return Effect.catch(all.supervisor.exclusive(actions[action._tag](all)), (error) =>
        Effect.succeed(fromError(action._tag === "test" ? "test" : "reload", error))
      )
  }
}

const make = Effect.gen(function* () {
  const all = yield* tools
  const memory = yield* ActionMemory
  const inFlight = new Map<ActionId, Deferred.Deferred<ActionOutcome>>()
  const turn = yield* Semaphore.make(1)
  // An action runs to its end: the scope closes between two of them.
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer(() => turn.withPermit(Scope.close(scope, Exit.void)))

  const carryOut = Effect.fnUntraced(function* (action_id: ActionId, action: AgentAction) {
    const started_at = DateTime.formatIso(yield* DateTime.now)
    yield* memory.begin(action_id, started_at)
    const result = yield* Effect.catchDefect(run(all, action), (defect) =>
      Effect.as(
        Effect.logError("an action broke in a way it should not", Cause.die(defect)),
        failed("an internal error of the agent; see its log")
      )
    )
    const finished_at = DateTime.formatIso(yield* DateTime.now)
    const outcome: ActionOutcome = { action_id, started_at, finished_at, ...result }
    yield* memory.end(outcome)
    yield* Effect.logInfo(`${action._tag}: ${result.status}`, { action_id, message: result.message })
    return outcome
  })

  const refuse = Effect.fnUntraced(function* (action_id: ActionId, message: string) {
    const at = DateTime.formatIso(yield* DateTime.now)
    const outcome: ActionOutcome = { action_id, started_at: at, finished_at: at, ...refused(message) }
    return outcome
  })

  const perform = Effect.fn("AgentActions.perform")(function* (actionId: ActionId, action: AgentAction) {
    const before = inFlight.get(actionId)
    if (before !== undefined) return yield* Deferred.await(before)
    const known = yield* memory.outcomeOf(actionId)
    if (known !== null) return known
    if (inFlight.size >= Limits.actionsWaitingMax) {
      return yield* refuse(actionId, `${Limits.actionsWaitingMax} actions wait already: ask again later`)
    }
    const answer = yield* Deferred.make<ActionOutcome>()
    inFlight.set(actionId, answer)
    yield* Effect.forkIn(
      turn.withPermit(carryOut(actionId, action)).pipe(
        Effect.onExit((exit) =>
          Effect.andThen(
            Deferred.done(answer, exit),
            Effect.sync(() => inFlight.delete(actionId))
          )
        )
      ),
      scope
    )
    return yield* Deferred.await(answer)
  })

  return AgentActions.of({ perform })
})
