/**
 * The live channel: one WebSocket that says what has changed. A stream that is lost begins again where it was, with the index
 * of the last change that was heard, so that none is missed; when the master has forgotten that far back, everything is read anew.
 */
import { type LiveAgent, LiveAuthentication, livePath, LiveRpcs } from "@nxmesh/protocol/live/LiveRpcs"
import type { AgentId, WorkspaceId } from "@nxmesh/protocol/Ids"
import { Effect, Layer, Schedule, Stream } from "effect"
import { Headers } from "effect/http"
import { Atom, Reactivity } from "effect/reactivity"
import { RpcClient, RpcMiddleware, RpcSerialization } from "effect/rpc"
import { Socket } from "effect/socket"
import { registry } from "../atoms/Registry.ts"
import { currentToken, sessionAtom } from "./Session.ts"

export type LinkState =
  | { readonly _tag: "Connecting" }
  | { readonly _tag: "Live" }
  /** What is shown may be old. */
  | { readonly _tag: "Lost" }

export const linkAtom = Atom.keepAlive(Atom.make<LinkState>({ _tag: "Connecting" }))

const reconnectPolicy = Schedule.min([Schedule.exponential("200 millis"), Schedule.spaced("3 seconds")]).pipe(
  Schedule.jittered
)

const layerToken = RpcMiddleware.layerClient(LiveAuthentication, ({ next, request }) =>
  Effect.flatMap(currentToken, (token) =>
    next(
      token === null
        ? request
        : { ...request, headers: Headers.set(request.headers, "authorization", `Bearer ${token}`) }
    )
  )
)

const liveUrl = () => `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${livePath}`

const layerHooks = Layer.succeed(RpcClient.ConnectionHooks, {
  onConnect: Effect.sync(() => registry.set(linkAtom, { _tag: "Live" })),
  onDisconnect: Effect.sync(() => registry.set(linkAtom, { _tag: "Lost" }))
})

const layerSocket = Layer.suspend(() =>
  RpcClient.layerProtocolSocket({
    pingInterval: "5 seconds",
    retryTransientErrors: true,
    retryPolicy: reconnectPolicy
  }).pipe(
    Layer.provide(Socket.layerWebSocket(liveUrl())),
    Layer.provide([Socket.layerWebSocketConstructorGlobal, RpcSerialization.layerJson, layerHooks])
  )
)

export const liveRuntime = Atom.runtime(Layer.merge(layerSocket, layerToken))

/** What a change makes stale: the lists of its kind, the object itself. The same words are on every query. */
export const keysOf = (kind: string, id?: string): Array<unknown> =>
  id === undefined ? [kind] : [kind, `${kind}:${id}`]

/** Everything that is on the screen. */
export const everything = "everything"

const again = Effect.fnUntraced(function* (error: unknown) {
  yield* Effect.logDebug("the live stream begins again", error)
})

let lastIndex: number | null = null

const follow = Effect.gen(function* () {
  const client = yield* RpcClient.make(LiveRpcs)
  yield* Stream.suspend(() => client.Changes({ after: lastIndex })).pipe(
    Stream.runForEach(({ compacted, events, index }) => {
      lastIndex = index
      const keys = compacted ? [everything] : [...new Set(events.flatMap(({ id, kind }) => keysOf(kind, id)))]
      return keys.length === 0 ? Effect.void : Reactivity.invalidate(keys)
    }),
    Effect.tapError(again),
    Effect.retry(reconnectPolicy),
    Effect.repeat(reconnectPolicy)
  )
})

/** Mounted while somebody is signed in. */
export const followAtom = liveRuntime.atom(follow)

export const signedInAtom = Atom.map(
  sessionAtom,
  (session) => session._tag === "SignedIn" || session._tag === "Expired"
)

const endless = <A, E>(make: () => Stream.Stream<A, E>) => Stream.suspend(make).pipe(Stream.retry(reconnectPolicy))

/** How the fleet is, at most once a second. */
export const overviewAtom = Atom.family((workspaceId: WorkspaceId | null) =>
  liveRuntime.atom(
    Stream.unwrap(
      Effect.map(RpcClient.make(LiveRpcs), (client) => endless(() => client.Overview({ workspace_id: workspaceId })))
    )
  )
)

/** These agents as they change; the key is their ids in order. */
export const liveAgentsAtom = Atom.family((ids: string) =>
  liveRuntime.atom(
    Stream.unwrap(
      Effect.map(RpcClient.make(LiveRpcs), (client) =>
        endless(() => client.Agents({ ids: ids === "" ? [] : (ids.split(",") as Array<AgentId>) }))
      )
    ).pipe(
      Stream.scan(
        () => new Map<string, LiveAgent>(),
        (known, changed) => {
          const next = new Map(known)
          for (const agent of changed) next.set(agent.id, agent)
          return next
        }
      )
    )
  )
)
