/** One connection, from TLS to its end: enrol if need be, register, then directives in and reports out. */
import { sha256Hex } from "@nxmesh/core/crypto/Sha256"
import { continued, sampledTraceparent } from "@nxmesh/core/observe/Traceparent"
import { reportRetry } from "@nxmesh/core/policy/Schedules"
import type { Directive } from "@nxmesh/protocol/link/Directive"
import { AgentLink } from "@nxmesh/protocol/link/AgentLink"
import { LinkRefused } from "@nxmesh/protocol/link/LinkRefused"
import { spokenVersions } from "@nxmesh/protocol/link/LinkVersion"
import type { Registered } from "@nxmesh/protocol/link/Registration"
import { enrolmentProofText } from "@nxmesh/protocol/link/SignedCall"
import { Data, Duration, Effect, FiberSet, Redacted, Ref, Stream } from "effect"
import { RpcClient, type RpcClientError, type RpcGroup } from "effect/rpc"
import { Limits } from "../Limits.ts"
import { pinnedFingerprint } from "./Authorities.ts"
import { Identity } from "./Identity.ts"
import type { LinkHandlers } from "./LinkHandlers.ts"
import { LinkLost, lostByCall } from "./LinkLost.ts"
import { LinkSettings } from "./LinkSettings.ts"
import { outboxSince, sendOutbox } from "./OutboxSender.ts"
import { Outcomes } from "./Outcomes.ts"
import type { Transport } from "./Transport.ts"

export type LinkClient = RpcClient.RpcClient<RpcGroup.Rpcs<typeof AgentLink>, RpcClientError.RpcClientError>

/** The first version of the link whose masters take drift. */
const driftSince = 3

type Perform = Extract<Directive, { readonly _tag: "Perform" }>

/** The master said Goodbye. */
export class Dismissed extends Data.TaggedError("Dismissed")<{ readonly detail: string }> {}

/** The agent has an identity now, and prefers another master to this one. */
export class PrefersAnother extends Data.TaggedError("PrefersAnother")<{}> {}

/** A call that must be answered in time, or the connection is given up. */
const inTime = <A, E extends { readonly message: string }, R>(call: Effect.Effect<A, E, R>) =>
  call.pipe(
    Effect.mapError(lostByCall),
    Effect.timeoutOrElse({
      duration: Limits.callTimeout,
      orElse: () => Effect.fail(new LinkLost({ permanent: false, detail: "the master did not answer a call in time" }))
    })
  )

const unusable = ({ message }: { readonly message: string }) => new LinkLost({ permanent: true, detail: message })

/** Enrols when there is no identity yet, or when the token is another than the one it was made with. */
const enrolIfNeeded = Effect.fnUntraced(function* (
  client: LinkClient,
  transport: Transport,
  handlers: LinkHandlers,
  events: SessionEvents,
  refusedToken: Ref.Ref<string | null>
) {
  const identity = yield* Identity
  const { token } = yield* LinkSettings
  const enrolled = yield* identity.enrolled
  const tokenHash = token === null ? null : sha256Hex(Redacted.value(token))
  const known = [enrolled?.tokenHash, yield* Ref.get(refusedToken)]
  if (enrolled !== null && (tokenHash === null || known.includes(tokenHash))) return
  if (token === null || tokenHash === null) {
    return yield* new LinkLost({
      permanent: true,
      detail: "this agent is not enrolled: make an enrolment token on the master and set NXMESH_AGENT_TOKEN"
    })
  }
  const { facts } = yield* handlers.registration
  const text = Redacted.value(token)
  const proof = identity.prove(enrolmentProofText(text, Buffer.from(transport.binding).toString("base64")))
  const answer = yield* inTime(client.Enrol({ token: text, public_key: identity.publicKey, proof, facts })).pipe(
    Effect.catch((lost) =>
      enrolled !== null && lost.permanent ? keepIdentity(refusedToken, tokenHash, lost) : Effect.fail(lost)
    )
  )
  const { agentId } = yield* identity
    .enrol(answer, { tokenHash, caFingerprint: yield* pinnedFingerprint })
    .pipe(Effect.mapError(unusable))
  yield* Effect.logInfo("enrolled").pipe(Effect.annotateLogs({ agent_id: agentId }))
  if (yield* events.prefersAnother) return yield* new PrefersAnother()
})

/** A token that is refused takes no identity away that the agent has: it connects again with that. */
const keepIdentity = Effect.fnUntraced(function* (
  refusedToken: Ref.Ref<string | null>,
  tokenHash: string,
  { detail }: LinkLost
) {
  yield* Ref.set(refusedToken, tokenHash)
  yield* Effect.logWarning("the token in the settings is of no use; the agent stays who it is").pipe(
    Effect.annotateLogs({ detail })
  )
  return yield* new LinkLost({ permanent: false, detail })
})

const register = Effect.fnUntraced(function* (client: LinkClient, handlers: LinkHandlers) {
  const identity = yield* Identity
  const connection_epoch = yield* identity.nextEpoch.pipe(Effect.mapError(unusable))
  const registration = yield* handlers.registration
  return yield* inTime(client.Register({ protocol: spokenVersions, connection_epoch, ...registration }))
})

const isTransient = (error: unknown): error is LinkRefused => error instanceof LinkRefused && !error.permanent

/** The key that signs is good for as long as it takes: the master asks again. */
const notYet = ({ detail }: LinkRefused) =>
  Effect.as(Effect.logWarning("the master gives no new key now").pipe(Effect.annotateLogs({ detail })), null)

const rotateKey = Effect.fnUntraced(function* (client: LinkClient) {
  const identity = yield* Identity
  const key = yield* client.RotateKey().pipe(Effect.catchIf(isTransient, notYet), inTime)
  if (key === null) return
  yield* identity.rotate(key).pipe(Effect.mapError(unusable))
  yield* Effect.logInfo("signing with a new key").pipe(Effect.annotateLogs({ key_id: key.key_id }))
})

/** An answer that is lost with the connection is given again when the action is asked for again. */
const perform = (client: LinkClient, handlers: LinkHandlers, { action, action_id }: Perform) =>
  handlers.perform(action_id, action).pipe(
    Effect.flatMap((outcome) => inTime(client.ReportAction(outcome))),
    Effect.catch(({ detail }) =>
      Effect.logWarning("the outcome of an action is not told").pipe(Effect.annotateLogs({ action_id, detail }))
    )
  )

/** Follows the directives for as long as there are any; never succeeds. */
const follow = Effect.fnUntraced(function* (client: LinkClient, handlers: LinkHandlers, events: SessionEvents) {
  const actions = yield* FiberSet.make()
  yield* client.Directives({ have: yield* handlers.have }).pipe(
    Stream.mapError(lostByCall),
    Stream.runForEach((directive): Effect.Effect<void, LinkLost | Dismissed, Identity> => {
      switch (directive._tag) {
        case "Deploy":
        case "Hold":
          return handlers.task(directive)
        case "RotateKey":
          return rotateKey(client)
        case "Masters":
          return events.announced(directive.masters)
        case "Policy":
          return handlers.policy(directive.policy)
        case "Perform":
          return Effect.asVoid(FiberSet.run(actions, perform(client, handlers, directive)))
        case "Goodbye":
          return Effect.fail(new Dismissed({ detail: directive.reason }))
      }
    })
  )
  return yield* new LinkLost({ permanent: false, detail: "the master ended the stream of directives" })
}, Effect.scoped)

/** A report whose answer is lost with the connection waits with the others: the master tells it by its time. */
const reportHealth = (client: LinkClient, handlers: LinkHandlers, registered: Registered, first: Effect.Effect<void>) =>
  handlers.health(Duration.seconds(registered.heartbeat_seconds)).pipe(
    Stream.mapEffect((report) =>
      inTime(client.ReportHealth(report)).pipe(Effect.onError(() => handlers.unheard(report)))
    ),
    Stream.zipWithIndex,
    Stream.runForEach(([, index]) => (index === 0 ? first : Effect.void)),
    Effect.andThen(Effect.never)
  )

/** Outcomes stay until the master has them for good; what it cannot take now is offered again. */
const reportOutcomes = Effect.fnUntraced(function* (client: LinkClient) {
  const outcomes = yield* Outcomes
  while (true) {
    const batch = yield* outcomes.next
    yield* Effect.flatMap(sampledTraceparent, (trace) =>
      client.ReportDeployments({ outcomes: batch, ...(trace === undefined ? {} : { trace }) })
    ).pipe(
      Effect.retry({ schedule: reportRetry, while: (error) => error instanceof LinkRefused && !error.permanent }),
      inTime,
      Effect.withSpan("Link.reportDeployments", { ...continued(outcomes.traces(batch)), kind: "client" })
    )
    yield* outcomes.acknowledge(batch)
  }
})

/** What a master cannot answer now is offered again; directives come over the connection meanwhile. */
const offerDrift = Effect.fnUntraced(function* (client: LinkClient, { drift }: LinkHandlers, { protocol }: Registered) {
  if (drift === undefined) return yield* Effect.never
  while (true) {
    const offer = yield* drift.next
    const answer =
      protocol < driftSince
        ? { accepted: false, reason: "this master is too old to make a version of drift: upgrade it" }
        : yield* client
            .OfferDrift(offer)
            .pipe(Effect.retry({ schedule: reportRetry, while: isTransient }), Effect.mapError(lostByCall))
    yield* drift.answered(offer, answer)
  }
})

export interface SessionEvents {
  readonly registered: (answer: Registered, client: LinkClient) => Effect.Effect<void>
  /** Whether an agent that has just enrolled should register elsewhere. */
  readonly prefersAnother: Effect.Effect<boolean>
  /** The cluster has other masters now. */
  readonly announced: (masters: ReadonlyArray<string>) => Effect.Effect<void>
  readonly subscribed: Effect.Effect<void>
}

/**
 * Lasts until the connection ends, too long for a span, and always fails with why.
 *
 * @param refusedToken hash of a token that was refused to an agent that has an identity
 */
export const runSession = Effect.fnUntraced(function* (
  transport: Transport,
  handlers: LinkHandlers,
  events: SessionEvents,
  refusedToken: Ref.Ref<string | null>
) {
  const client: LinkClient = yield* RpcClient.make(AgentLink, { disableTracing: true }).pipe(
    Effect.provideService(RpcClient.Protocol, transport.protocol)
  )
  const calls = Effect.gen(function* () {
    yield* enrolIfNeeded(client, transport, handlers, events, refusedToken)
    const registered = yield* register(client, handlers)
    yield* events.registered(registered, client)
    return yield* Effect.raceAllFirst([
      follow(client, handlers, events),
      reportHealth(client, handlers, registered, events.subscribed),
      reportOutcomes(client),
      offerDrift(client, handlers, registered),
      registered.protocol >= outboxSince ? sendOutbox(client.ReportOutbox, handlers.outbox) : Effect.never
    ])
  })
  return yield* Effect.raceFirst(calls, transport.ended)
})
