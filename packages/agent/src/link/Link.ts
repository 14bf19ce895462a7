/** Keeps the agent connected to one of its masters: runs the machine, and does what it asks for. */
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import type { Generation } from "@nxmesh/protocol/Ids"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import { Cause, Clock, Context, Effect, FiberHandle, Layer, Queue, Random, Ref, Result } from "effect"
import { makeConnect } from "./Authorities.ts"
import * as Endpoints from "./Endpoints.ts"
import { Identity } from "./Identity.ts"
import type { LinkHandlers } from "./LinkHandlers.ts"
import { LinkLost, lostByCall } from "./LinkLost.ts"
import { type LinkEvent, linkMachine, type LinkOutput, type LinkState } from "./LinkMachine.ts"
import { type LinkClient, runSession, type SessionEvents } from "./LinkSession.ts"
import { LinkSettings } from "./LinkSettings.ts"
import { masterUrl } from "./MasterUrl.ts"
import { Outcomes } from "./Outcomes.ts"
import { openTransport, type Transport } from "./Transport.ts"

/** An event before the clock and the dice are added to it. */
type Happening = LinkEvent extends infer E ? (E extends LinkEvent ? Omit<E, "nowMillis" | "random"> : never) : never

const stamp = Effect.fnUntraced(function* (happening: Happening) {
  return { ...happening, nowMillis: yield* Clock.currentTimeMillis, random: yield* Random.next } as LinkEvent
})

/** Those that an agent can connect to. */
const urlsOf = (masters: ReadonlyArray<string>): ReadonlyArray<string> =>
  masters.map(masterUrl).flatMap((one) => (Result.isSuccess(one) ? [one.success] : []))

const announce = (before: LinkState, after: LinkState, outputs: ReadonlyArray<LinkOutput>) => {
  if (before.phase === after.phase) return Effect.void
  const wait = outputs.find((output) => output._tag === "Wait")
  const facts = {
    phase: after.phase,
    master: after.url ?? before.url,
    ...(wait === undefined ? {} : { wait_ms: wait.millis }),
    ...(after.detail === "" ? {} : { detail: after.detail })
  }
  switch (after.phase) {
    case "READY":
      return Effect.logInfo("connected to the master").pipe(Effect.annotateLogs(facts))
    case "RETRY":
    case "RECONNECT":
      return Effect.logWarning("no master; nginx keeps serving").pipe(Effect.annotateLogs(facts))
    case "ERROR":
      return Effect.logError("refused by every master; nginx keeps serving").pipe(Effect.annotateLogs(facts))
    default:
      return Effect.logDebug("link").pipe(Effect.annotateLogs(facts))
  }
}

export class Link extends Context.Service<
  Link,
  {
    /** Keeps a connection for as long as it runs. */
    readonly run: (handlers: LinkHandlers) => Effect.Effect<never>
    readonly state: Effect.Effect<LinkState>
    /** All of a bundle, from the master connected now. */
    readonly fetchBundle: (generation: Generation) => Effect.Effect<Bundle, LinkLost>
  }
>()("@nxmesh/agent/link/Link") {
  static readonly layerNoDeps = Layer.effect(
    Link,
    Effect.gen(function* () {
      const { urls } = yield* LinkSettings
      const identity = yield* Identity
      const connect = yield* makeConnect
      const context = yield* Effect.context<Identity | Identifiers | LinkSettings | Outcomes>()
      const state = yield* Ref.make(linkMachine.initial)
      const current = yield* Ref.make<LinkClient | null>(null)
      const refusedToken = yield* Ref.make<string | null>(null)

      const announcement = Effect.map(identity.enrolled, (enrolled) => ({
        agentId: enrolled?.agentId ?? null,
        urls: urlsOf(enrolled?.masters ?? [])
      }))
      /** Kept for the next start. A disk that fails must not cost the connection: the master says it again. */
      const learn = Effect.fnUntraced(function* (masters: ReadonlyArray<string>) {
        yield* identity
          .learn(masters)
          .pipe(
            Effect.catch(({ message }) =>
              Effect.logWarning(`the list of masters is not kept for a restart: ${message}`)
            )
          )
        return { ...(yield* announcement), urls: urlsOf(masters) }
      })

      const session = (url: string, handlers: LinkHandlers, emit: (happening: Happening) => Effect.Effect<void>) =>
        Effect.gen(function* () {
          const transport: Transport = yield* openTransport(url, yield* connect(url))
          const events: SessionEvents = {
            registered: Effect.fnUntraced(function* ({ masters }, client) {
              yield* Ref.set(current, client)
              yield* emit({ _tag: "Registered", announced: yield* learn(masters) })
            }),
            announced: Effect.fnUntraced(function* (masters) {
              yield* Effect.logInfo("the cluster has other masters").pipe(Effect.annotateLogs({ masters }))
              yield* emit({ _tag: "Announced", announced: yield* learn(masters) })
            }),
            prefersAnother: Effect.gen(function* () {
              const { endpoints } = yield* Ref.get(state)
              return Endpoints.prefersAnother(endpoints, yield* announcement, url, yield* Clock.currentTimeMillis)
            }),
            subscribed: emit({ _tag: "Subscribed" })
          }
          return yield* runSession(transport, handlers, events, refusedToken)
        }).pipe(
          Effect.scoped,
          Effect.provideContext(context),
          Effect.ensuring(Ref.set(current, null)),
          Effect.catchTags({
            LinkLost: ({ detail, permanent }) => emit({ _tag: "Lost", permanent, detail }),
            Dismissed: ({ detail }) => emit({ _tag: "Dismissed", detail }),
            PrefersAnother: () => Effect.flatMap(announcement, (announced) => emit({ _tag: "Enrolled", announced }))
          }),
          Effect.catchDefect((defect) =>
            Effect.logError("the link failed in a way it should not", Cause.die(defect)).pipe(
              Effect.andThen(emit({ _tag: "Lost", permanent: false, detail: "an internal error; see the log" }))
            )
          )
        )

      // Lasts as long as the agent: no span.
      const run = Effect.fnUntraced(function* (handlers: LinkHandlers) {
        const events = yield* Queue.bounded<LinkEvent>(16)
        const emit = (happening: Happening) => Effect.flatMap(stamp(happening), (event) => Queue.offer(events, event))
        const connection = yield* FiberHandle.make<unknown, never>()
        const timer = yield* FiberHandle.make<unknown, never>()
        const island = yield* FiberHandle.make<void, never>()
        const perform = (output: LinkOutput): Effect.Effect<unknown> =>
          output._tag === "Open"
            ? FiberHandle.run(
                connection,
                session(output.url, handlers, (happening) => Effect.asVoid(emit(happening)))
              )
            : FiberHandle.run(timer, Effect.andThen(Effect.sleep(output.millis), emit({ _tag: "Woken" })))
        yield* emit({ _tag: "Started", configured: urls, announced: yield* announcement })
        while (true) {
          const event = yield* Queue.take(events)
          const before = yield* Ref.get(state)
          const step = linkMachine.step(before, event)
          yield* Ref.set(state, step.state)
          yield* announce(before, step.state, step.outputs)
          yield* Effect.forEach(step.outputs, perform, { discard: true })
          // Only once, however long it takes to find a master.
          if (step.state.phase === "READY") yield* FiberHandle.clear(island)
          else yield* FiberHandle.run(island, handlers.island, { onlyIfMissing: true })
        }
      }, Effect.scoped)

      const fetchBundle = Effect.fn("Link.fetchBundle")(function* (generation: Generation) {
        const client = yield* Ref.get(current)
        if (client === null) return yield* new LinkLost({ permanent: false, detail: "no master is connected" })
        return yield* client.FetchBundle({ generation }).pipe(Effect.mapError(lostByCall))
      })
      return Link.of({ run, state: Ref.get(state), fetchBundle })
    })
  )

  static readonly layer = this.layerNoDeps.pipe(Layer.provide(Identifiers.layer))
}
