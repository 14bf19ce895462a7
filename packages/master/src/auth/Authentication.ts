/**
 * The API's door: who the bearer text is of (`Credentials`), then what they may do as it is now, then what the endpoint
 * demands.
 */
import { Authentication, CurrentUser, demandOf } from "@nxmesh/protocol/api/Authentication"
import { Forbidden, Unauthenticated } from "@nxmesh/protocol/Errors"
import type { Permission } from "@nxmesh/protocol/model/Permission"
import { type Principal, principalName } from "@nxmesh/protocol/Principal"
import { Effect, Layer } from "effect"
import { authMetrics } from "./AuthMetrics.ts"
import { authorize } from "./Authorize.ts"
import { Callers } from "./Callers.ts"
import { Credentials } from "./Credentials.ts"

const readOnlyMessage =
  "this token is for reading alone: it was given while the cluster had no quorum. Log in again when it has one"

const unauthenticated = (message: string) =>
  new Unauthenticated({ error: { code: "UNAUTHENTICATED", message, details: [] } })

const forbidden = (message: string) => new Forbidden({ error: { code: "FORBIDDEN", message, details: [] } })

export const AuthenticationLayer = Layer.effect(
  Authentication,
  Effect.gen(function* () {
    const { denied, refusedTokens } = yield* authMetrics
    const callers = yield* Callers

    /** Of a refusal for want of a permission: it is in no log of Raft, and an attack begins with it. */
    const deny = Effect.fnUntraced(function* (principal: Principal, permission: Permission, name: string) {
      denied.inc({ permission })
      yield* Effect.logInfo("a request was refused for want of a permission", {
        principal: principalName(principal),
        permission,
        endpoint: name
      })
      return yield* forbidden(`this needs the permission ${permission}, which you do not have`)
    })

    return Authentication.of({
      bearer: (httpEffect, { credential, endpoint, group }) =>
        Effect.gen(function* () {
          const { current, isReadOnly } = yield* callers.current(credential).pipe(
            Effect.tapError(({ reason }) => Effect.sync(() => refusedTokens.inc({ reason }))),
            Effect.mapError(({ message }) => unauthenticated(message))
          )
          if (isReadOnly && endpoint.method !== "GET") return yield* forbidden(readOnlyMessage)
          const decision = authorize(demandOf(endpoint, group), current.access)
          switch (decision._tag) {
            case "Allowed":
              return yield* Effect.provideService(httpEffect, CurrentUser, current)
            case "Missing":
              return yield* deny(current.principal, decision.permission, `${group.identifier}.${endpoint.name}`)
            case "Undeclared":
              yield* Effect.logError(
                `endpoint ${group.identifier}.${endpoint.name} declares no permission; it is refused`
              )
              return yield* forbidden("this endpoint is closed")
          }
        })
    })
  })
).pipe(Layer.provide(Callers.layer.pipe(Layer.provide(Credentials.layer))))
