/**
 * One connected agent: an actor around `SessionMachine` that turns its outputs into directives. It looks at what the
 * agent should have when told that this may have changed, and never remembers it longer than that.
 */
import { canonicalJson } from "@nxmesh/core/nginx/Generation"
import { type Actor, type ActorError, makeActor } from "@nxmesh/core/actor/Actor"
import { patient } from "@nxmesh/core/actor/RestartPolicy"
import { continued, sampledTraceparent } from "@nxmesh/core/observe/Traceparent"
import type { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { type AgentId, DeploymentId, type Generation, type WorkspaceId } from "@nxmesh/protocol/Ids"
import { type Directive, directiveSince, type Order } from "@nxmesh/protocol/link/Directive"
import { traceAttributes, type TraceNote } from "@nxmesh/protocol/link/TraceNote"
import type { BundleUpdate } from "@nxmesh/protocol/model/BundleUpdate"
import type { ActionRecord } from "@nxmesh/protocol/model/ActionRecord"
import type { StoredAgent } from "@nxmesh/protocol/model/Agent"
import type { ActionOutcome } from "@nxmesh/protocol/model/AgentAction"
import { type AgentPolicy, type AgentPolicyChoice, effectivePolicy } from "@nxmesh/protocol/model/AgentPolicy"
import type { AgentMessage, AgentReply } from "@nxmesh/protocol/peer/AgentMessage"
import { type Cause, Clock, Effect, FiberHandle, Queue, type Scope } from "effect"
import type { ConfigEngine } from "../config/ConfigEngine.ts"
import { Limits } from "../Limits.ts"
import type { AgentMetrics } from "./AgentMetrics.ts"
import type { ClusterSwitches } from "./ClusterSwitches.ts"
import type { Failure } from "./RetryPolicy.ts"
import { makeSessionActions } from "./SessionActions.ts"
import {
  failureAtEnd,
  initialState,
  type SessionInput,
  type SessionOutput,
  type SessionState,
  step
} from "./SessionMachine.ts"

export interface SessionDependencies {
  readonly engine: ConfigEngine["Service"]
  readonly identifiers: Identifiers["Service"]
  readonly metrics: AgentMetrics
  /** `undefined` when the agent was removed. */
  readonly stored: (agentId: AgentId) => Effect.Effect<StoredAgent | undefined>
  readonly switches: Effect.Effect<ClusterSwitches>
  /** What the agents of the workspace go by that say nothing of themselves. */
  readonly workspacePolicy: (workspaceId: WorkspaceId) => Effect.Effect<AgentPolicyChoice>
  /** What people asked of the agent and it has not answered. */
  readonly pendingActions: (agentId: AgentId) => Effect.Effect<ReadonlyArray<ActionRecord>>
  readonly recordAction: (agentId: AgentId, outcome: ActionOutcome) => Effect.Effect<void>
}

export interface SessionOptions {
  readonly agent: StoredAgent
  /** The version of the link that both sides speak. */
  readonly protocol: number
  readonly desired: Generation
  readonly serving: Generation | null
  readonly failure: Failure | null
}

export interface AgentSession {
  readonly workspaceId: WorkspaceId
  /** What the agent goes by, as it was at the registration. */
  readonly policy: AgentPolicy
  readonly directives: (have: Generation | null) => Effect.Effect<Queue.Dequeue<Directive, Cause.Done>>
  /** The agent's bundle, what is stored of the agent and its workspace, or what is asked of it may have changed. Never waits. */
  readonly look: (at: Looked) => Effect.Effect<void>
  /** Whatever is deployed next is because of these changes too. */
  readonly trace: (notes: ReadonlyArray<TraceNote>) => void
  readonly tell: (input: SessionInput) => Effect.Effect<void>
  /** What the agent answered to an action; done when it is durable, where it has to be. */
  readonly answered: (outcome: ActionOutcome) => Effect.Effect<void>
  /** What may be fetched: nothing but what the agent was told to serve. */
  readonly isGiven: (generation: Generation) => boolean
  /** Why the session ended, unless its connection just broke. Of a removed agent nothing is to be remembered. */
  readonly ended: () => "removed" | "dismissed" | null
  /** A message from anywhere in the cluster. */
  readonly receive: (message: AgentMessage) => Effect.Effect<AgentReply>
  /** Tells the agent, if it knows the directive. Never waits. */
  readonly announce: (directive: Directive) => Effect.Effect<void>
  /** Sends the agent to another master. */
  readonly dismiss: (reason: string) => Effect.Effect<void>
  /** What to remember for the agent's next session. */
  readonly failure: Effect.Effect<Failure | null>
}

export type Looked = "agent" | "bundle" | "actions"

type Message =
  | SessionInput
  | { readonly _tag: "Look" }
  | { readonly _tag: "Announce"; readonly directive: Directive }
  | { readonly _tag: "Dismiss"; readonly reason: string }

/** A person's word about this agent comes before one about all. */
const heldBy = (maintenance: boolean, { frozen }: ClusterSwitches): string | null =>
  maintenance ? "the agent is in maintenance" : frozen

export const makeAgentSession = Effect.fnUntraced(function* (
  dependencies: SessionDependencies,
  options: SessionOptions
): Effect.fn.Return<AgentSession, never, Scope.Scope> {
  const { engine, identifiers, metrics, stored, switches } = dependencies
  const agentId = options.agent.id
  const directives = yield* Queue.bounded<Directive, Cause.Done>(Limits.agents.directivesWaitingMax)
  const timer = yield* FiberHandle.make()
  /** What the agent said it can take a delta against, until it says what it serves. */
  let base = options.serving
  /** Traces of changes that no deployment has been sent for. */
  const untold: Array<TraceNote> = []
  const stale = { agent: false, bundle: false, actions: false }
  let ended: "removed" | "dismissed" | null = null
  let settings = settingsOf(options.agent)
  let machine: SessionState = initialState({
    desired: options.desired,
    serving: options.serving,
    failure: options.failure,
    held: heldBy(settings.maintenance, yield* switches),
    reloadIntervalSeconds: settings.reloadIntervalSeconds
  })

  const give = (directive: Directive, kind: string) =>
    Queue.offer(directives, directive).pipe(
      Effect.andThen(Effect.sync(() => metrics.directives.inc({ directive: kind })))
    )
  // The index first: the epoch is never older than the entry that the index names.
  const order = Effect.gen(function* () {
    const index = yield* engine.index
    const at: Order = { epoch: (yield* switches).epoch, index }
    return at
  })

  const makeDeploy = Effect.fnUntraced(function* (deploymentId: DeploymentId, because: TraceNote | undefined) {
    const at = yield* order
    const update = yield* engine.update(agentId, base)
    const generation = generationOf(update)
    // Frozen since the machine looked: what was made meanwhile may be of after the freeze.
    if (heldBy(settings.maintenance, yield* switches) !== machine.held) {
      machine = { ...machine, inFlight: null }
      return
    }
    // The engine may have moved on since the machine looked: what is sent is what is wanted now.
    if (machine.inFlight !== null) {
      machine = { ...machine, desired: generation, inFlight: { ...machine.inFlight, generation } }
    }
    const reload_interval_seconds = machine.reloadIntervalMillis / 1_000
    const traceparent = yield* sampledTraceparent
    const trace = traceparent === undefined ? {} : { trace: { ...because, agent_id: agentId, traceparent } }
    yield* give(
      { _tag: "Deploy", order: at, deployment_id: deploymentId, update, reload_interval_seconds, ...trace },
      update._tag === "Delta" ? "deploy_delta" : "deploy_full"
    )
  })

  /** In the trace of the changes that made it necessary: the first one's, linked to the others'. */
  const deploy = (deploymentId: DeploymentId) =>
    Effect.suspend(() => {
      const notes = untold.splice(0)
      const [because] = notes
      return Effect.withSpan(makeDeploy(deploymentId, because), "AgentSession.deploy", {
        ...continued(notes.map(({ traceparent }) => traceparent)),
        kind: "producer",
        attributes: {
          "nxmesh.agent_id": agentId,
          "nxmesh.deployment_id": deploymentId,
          "nxmesh.workspace_id": options.agent.workspace_id,
          ...traceAttributes(because ?? {})
        }
      })
    })

  /** A bundle that cannot be made is not tried again before something changes. */
  const undeployable = (error: Error) =>
    Effect.gen(function* () {
      yield* Effect.logError(`an agent cannot be given its configuration: ${error.message}`, { agent_id: agentId })
      const failedAtMillis = yield* Clock.currentTimeMillis
      const failure = { generation: machine.desired, attempts: 1, failedAtMillis }
      machine = { ...machine, inFlight: null, failure, retryAtMillis: null }
    })

  const perform = (output: SessionOutput): Effect.Effect<void> => {
    switch (output._tag) {
      case "Deploy":
        return deploy(output.inFlight.deploymentId).pipe(Effect.catchTag("BundleError", undeployable))
      case "Hold":
        return Effect.flatMap(order, (at) => give({ _tag: "Hold", order: at, reason: output.reason }, "hold"))
      case "WakeAt":
        return Clock.currentTimeMillis.pipe(
          Effect.flatMap((now) => Effect.sleep(Math.max(0, output.atMillis - now))),
          Effect.andThen(tell({ _tag: "Wake" })),
          (wake) => FiberHandle.run(timer, wake),
          Effect.asVoid
        )
      case "Converged":
        return Effect.sync(() => metrics.convergence.observe(output.millis / 1_000))
    }
  }

  const take = Effect.fnUntraced(function* (input: SessionInput) {
    const nowMillis = yield* Clock.currentTimeMillis
    const deploymentId = DeploymentId.make(yield* identifiers.uuid)
    const [next, outputs] = step(machine, input, { nowMillis, deploymentId })
    machine = next
    if (input._tag === "Outcome" && next.serving !== null) base = next.serving
    yield* Effect.forEach(outputs, perform, { discard: true })
  })

  const end = (how: "removed" | "dismissed", reason: string) => {
    ended = how
    return give({ _tag: "Goodbye", reason }, "goodbye").pipe(Effect.andThen(Queue.end(directives)), Effect.asVoid)
  }

  const policyOf = (agent: StoredAgent) =>
    Effect.map(dependencies.workspacePolicy(agent.workspace_id), (workspace) =>
      effectivePolicy(workspace, agent.policy ?? {})
    )
  const policy = yield* policyOf(options.agent)
  /** What the agent was told to go by in this session. */
  let told: AgentPolicy | null = null
  const tellPolicy = Effect.fnUntraced(function* (agent: StoredAgent) {
    const holds = yield* policyOf(agent)
    const before = told
    if (directiveSince("Policy") > options.protocol || canonicalJson(holds) === canonicalJson(before)) return
    told = holds
    yield* give({ _tag: "Policy", policy: holds }, "policy")
    // What was refused for a bad resource may be served without it from now on.
    if (before !== null && before.bad_object !== holds.bad_object) yield* take({ _tag: "Retry" })
  })

  const lookAtAgent = Effect.gen(function* () {
    stale.agent = false
    const agent = yield* stored(agentId)
    if (agent === undefined) return yield* end("removed", "this agent was removed")
    settings = settingsOf(agent)
    yield* tellPolicy(agent)
  })

  const actions = yield* makeSessionActions({
    agentId,
    protocol: options.protocol,
    engine,
    identifiers,
    order,
    base: () => base,
    pending: dependencies.pendingActions(agentId),
    record: (outcome) => dependencies.recordAction(agentId, outcome),
    give: (directive) => Effect.asVoid(give(directive, directive._tag.toLowerCase()))
  })
  const lookAtActions = Effect.suspend(() => {
    stale.actions = false
    return actions.look
  })

  /** With every message, before anything else is decided: what is frozen stays frozen. */
  const lookAtSettings = Effect.gen(function* () {
    const held = heldBy(settings.maintenance, yield* switches)
    const { reloadIntervalSeconds } = settings
    const isSame = held === machine.held && reloadIntervalSeconds * 1_000 === machine.reloadIntervalMillis
    if (!isSame) yield* take({ _tag: "Settings", held, reloadIntervalSeconds })
  })

  const lookAtBundle = Effect.gen(function* () {
    stale.bundle = false
    const generation = yield* Effect.orElseSucceed(engine.generation(agentId), () => undefined)
    if (generation !== undefined) yield* take({ _tag: "Desired", generation })
  })

  const handle = (message: Message): Effect.Effect<void> => {
    switch (message._tag) {
      case "Look":
        return Effect.void
      case "Announce":
        return Effect.asVoid(give(message.directive, message.directive._tag.toLowerCase()))
      case "Dismiss":
        return end("dismissed", message.reason)
      default:
        return take(message)
    }
  }

  const actor: Actor<Message, void, never> = yield* makeActor<void, Message, void, never, never, never, never>({
    name: `agent ${agentId}`,
    mailboxMax: Limits.agents.mailboxMessagesMax,
    restart: patient,
    // Looks before the first message, so that a change between the registration and this moment is not missed.
    initial: Effect.sync(() => {
      stale.agent = true
      stale.bundle = true
      stale.actions = true
    }),
    receive: Effect.fnUntraced(function* (_: void, message: Message) {
      if (stale.agent && ended === null) yield* lookAtAgent
      if (ended === null) yield* lookAtSettings
      if (stale.bundle && ended === null) yield* lookAtBundle
      if (stale.actions && ended === null) yield* lookAtActions
      if (ended === null) yield* handle(message)
      return [undefined, undefined] as const
    })
  })

  /** A full mailbox belongs to an agent that takes no directives: what it misses is looked at when it does. */
  const missed = (error: ActorError) =>
    Effect.logWarning(`a message to the session of an agent was not taken: ${error.reason}`, { agent_id: agentId })
  const tell = (message: Message) => actor.tell(message).pipe(Effect.catchTag("ActorError", missed))

  const unable = ({ reason }: ActorError): AgentReply => ({ _tag: reason === "Stopped" ? "NotConnected" : "Busy" })
  const receive = (message: AgentMessage): Effect.Effect<AgentReply> => {
    switch (message._tag) {
      case "DeployAgain":
        return actor.tell({ _tag: "Retry" }).pipe(
          Effect.as<AgentReply>({ _tag: "Taken" }),
          Effect.catch((error) => Effect.succeed(unable(error)))
        )
      case "Preflight":
        return actions.preflight(message)
      case "Describe":
        return actor.ask({ _tag: "Look" }).pipe(
          Effect.map((): AgentReply => ({
            _tag: "Described",
            desired: machine.desired,
            serving: machine.serving,
            in_flight: machine.inFlight?.generation ?? null,
            held: machine.held,
            protocol: options.protocol
          })),
          Effect.catch((error) => Effect.succeed(unable(error)))
        )
    }
  }

  return {
    workspaceId: options.agent.workspace_id,
    policy,
    answered: actions.answered,
    directives: (have) => {
      base = have
      return Effect.as(tell({ _tag: "Start" }), directives)
    },
    look: (at) =>
      Effect.suspend(() => {
        if (stale[at]) return Effect.void
        stale[at] = true
        return tell({ _tag: "Look" })
      }),
    ended: () => ended,
    receive,
    announce: (directive) =>
      directiveSince(directive._tag) <= options.protocol ? tell({ _tag: "Announce", directive }) : Effect.void,
    dismiss: (reason) => tell({ _tag: "Dismiss", reason }),
    tell,
    trace: (notes) => void untold.push(...notes.slice(0, Math.max(0, Limits.config.tracesMergedMax - untold.length))),
    isGiven: (generation) => generation === machine.inFlight?.generation || generation === machine.serving,
    failure: Effect.map(Clock.currentTimeMillis, (now) => failureAtEnd(machine, now))
  }
})

const generationOf = (update: BundleUpdate): Generation =>
  update._tag === "Full" ? update.bundle.generation : update.generation

const settingsOf = (agent: StoredAgent) => ({
  maintenance: agent.maintenance,
  reloadIntervalSeconds: agent.reload_interval_seconds
})
