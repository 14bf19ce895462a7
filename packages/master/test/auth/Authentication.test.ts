import { AuthenticationLayer } from "@nxmesh/master/auth/Authentication"
import { Sessions } from "@nxmesh/master/auth/Sessions"
import { Tokens } from "@nxmesh/master/auth/Tokens"
import { Commands } from "@nxmesh/master/command/Commands"
import { Reads } from "@nxmesh/master/state/Reads"
import { principalName } from "@nxmesh/protocol/Principal"
import { allowsSomewhere } from "@nxmesh/protocol/model/Access"
import { Authentication, CurrentUser, demands } from "@nxmesh/protocol/api/Authentication"
import { SessionId } from "@nxmesh/protocol/Ids"
import { Forbidden, Unauthenticated } from "@nxmesh/protocol/Errors"
import type { Role } from "@nxmesh/protocol/model/Permission"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted, Ref, Schema } from "effect"
import { HttpClientRequest, HttpServer } from "effect/http"
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup, HttpApiMiddleware, HttpApiTest } from "effect/http-api"
import { TestClock } from "effect/testing"
import { administrator, master } from "./MasterState.ts"

const Answer = Schema.Struct({ user: Schema.String, mayWriteUsers: Schema.Boolean })
class Doors extends HttpApiGroup.make("doors")
  .add(
    HttpApiEndpoint.get("mine", "/mine", { success: Answer }).annotateMerge(demands("authenticated")),
    HttpApiEndpoint.get("users", "/users", { success: Answer }).annotateMerge(demands("user:write")),
    HttpApiEndpoint.get("hosts", "/hosts", { success: Answer }).annotateMerge(demands("config:read")),
    HttpApiEndpoint.post("change", "/hosts", { success: Answer }).annotateMerge(demands("config:read")),
    HttpApiEndpoint.get("forgotten", "/forgotten", { success: Answer })
  )
  .middleware(Authentication) {}
class House extends HttpApi.make("house").add(Doors) {}

const answer = Effect.map(CurrentUser, ({ access, principal }) => ({
  user: principalName(principal),
  mayWriteUsers: allowsSomewhere(access, "user:write")
}))
const handlers = HttpApiBuilder.group(House, "doors", (group) =>
  Effect.succeed(
    group.handleAll({
      mine: () => answer,
      users: () => answer,
      hosts: () => answer,
      change: () => answer,
      forgotten: () => answer
    })
  )
)

/** The token that the client sends; changed between calls. */
const makeClient = Effect.gen(function* () {
  const bearer = yield* Ref.make("")
  const client = yield* HttpApiTest.groups(House, ["doors"]).pipe(
    Effect.provide(
      Layer.mergeAll(
        handlers.pipe(Layer.provideMerge(AuthenticationLayer)),
        HttpServer.layerServices,
        HttpApiMiddleware.layerClient(Authentication, ({ next, request }) =>
          Effect.flatMap(Ref.get(bearer), (token) =>
            next(token === "" ? request : HttpClientRequest.bearerToken(request, token))
          )
        )
      )
    )
  )
  return { client: client.doors, use: (token: string) => Ref.set(bearer, token) }
})

const login = Sessions.use((sessions) => sessions.login({ ...administrator, remoteAddress: "192.0.2.1" }))
const codeOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), (error) =>
    error instanceof Unauthenticated || error instanceof Forbidden ? error.error.code : String(error)
  )

/** Changes the administrator, and leaves another one so that it may be done. */
const become = (role: Role, disabled = false) =>
  Effect.gen(function* () {
    const commands = yield* Commands
    const stored = yield* (yield* Reads).userByEmail(administrator.email)
    if (stored === undefined) return assert.fail("no administrator")
    const { created_at: _, revision: __, updated_at: ___, ...user } = stored
    const other = { ...user, id: "0197c0de-0000-7000-8000-0000000000aa" as typeof user.id, email: "b@example.test" }
    const principal = { _tag: "System", component: "test" } as const
    yield* commands.submit({ principal, command: { _tag: "SaveUser", mode: "create", if_match: null, user: other } })
    yield* commands.submit({
      principal,
      command: { _tag: "SaveUser", mode: "update", if_match: null, user: { ...user, role, disabled } }
    })
  })

describe("Authentication", () => {
  it.effect("tells the handler who asks, by a verified token", () =>
    Effect.gen(function* () {
      const { client, use } = yield* makeClient
      const issued = yield* login
      yield* use(Redacted.value(issued.accessToken))
      assert.deepStrictEqual(yield* client.mine(), { user: issued.userId, mayWriteUsers: true })
      assert.isTrue((yield* client.users()).mayWriteUsers)
    }).pipe(Effect.provide(master))
  )

  it.effect("lets a token that was given without a quorum read, and nothing else", () =>
    Effect.gen(function* () {
      const { client, use } = yield* makeClient
      const { userId } = yield* login
      const unrecorded = SessionId.make("0197c0de-0000-7000-8000-0000000000bb")
      const { accessToken } = yield* Tokens.use((tokens) =>
        tokens.issue({ userId, sessionId: unrecorded, role: "admin", readOnly: true })
      )
      yield* use(Redacted.value(accessToken))
      assert.isTrue((yield* client.hosts()).mayWriteUsers)
      assert.strictEqual(yield* codeOf(client.change()), "FORBIDDEN")
      yield* become("viewer", true)
      assert.strictEqual(yield* codeOf(client.hosts()), "UNAUTHENTICATED")
    }).pipe(Effect.provide(master))
  )

  it.effect("refuses no token, a broken one, and a refresh token", () =>
    Effect.gen(function* () {
      const { client, use } = yield* makeClient
      const issued = yield* login
      for (const token of ["", "broken", Redacted.value(issued.refreshToken)]) {
        yield* use(token)
        assert.strictEqual(yield* codeOf(client.mine()), "UNAUTHENTICATED")
      }
    }).pipe(Effect.provide(master))
  )

  it.effect("refuses the access token of an ended session at once", () =>
    Effect.gen(function* () {
      const { client, use } = yield* makeClient
      const issued = yield* login
      yield* use(Redacted.value(issued.accessToken))
      yield* client.mine()
      yield* Sessions.use((sessions) => sessions.logout({ ...issued, remoteAddress: "192.0.2.1" }))
      assert.strictEqual(yield* codeOf(client.mine()), "UNAUTHENTICATED")
    }).pipe(Effect.provide(master))
  )

  it.effect("refuses an expired token", () =>
    Effect.gen(function* () {
      const { client, use } = yield* makeClient
      const issued = yield* login
      yield* use(Redacted.value(issued.accessToken))
      yield* TestClock.adjust("16 minutes")
      assert.strictEqual(yield* codeOf(client.mine()), "UNAUTHENTICATED")
    }).pipe(Effect.provide(master))
  )

  it.effect("goes by the role as it is now, whatever the token says", () =>
    Effect.gen(function* () {
      const { client, use } = yield* makeClient
      const issued = yield* login
      yield* use(Redacted.value(issued.accessToken))
      yield* client.users()
      yield* become("viewer")
      assert.strictEqual(yield* codeOf(client.users()), "FORBIDDEN")
      assert.isFalse((yield* client.hosts()).mayWriteUsers)
    }).pipe(Effect.provide(master))
  )

  it.effect("refuses a disabled person's token at once", () =>
    Effect.gen(function* () {
      const { client, use } = yield* makeClient
      const issued = yield* login
      yield* use(Redacted.value(issued.accessToken))
      yield* become("admin", true)
      assert.strictEqual(yield* codeOf(client.mine()), "UNAUTHENTICATED")
    }).pipe(Effect.provide(master))
  )

  it.effect("lets nobody into an endpoint that declares no permission", () =>
    Effect.gen(function* () {
      const { client, use } = yield* makeClient
      yield* use(Redacted.value((yield* login).accessToken))
      assert.strictEqual(yield* codeOf(client.forgotten()), "FORBIDDEN")
    }).pipe(Effect.provide(master))
  )
})
