/**
 * The API's door: who the bearer text is of (`Credentials`), then what they may do as it is now, then what the endpoint
 * demands.
 */
import { Authentication, CurrentUser, demandOf } from "@nxmesh/protocol/api/Authentication"
import { Forbidden, Unauthenticated } from "@nxmesh/protocol/Errors"
import { narrowed } from "@nxmesh/protocol/model/Access"
import { Effect, Layer } from "effect"
import { Reads } from "../state/Reads.ts"
import { authMetrics } from "./AuthMetrics.ts"
import { authorize } from "./Authorize.ts"
import { Credentials, type Identified } from "./Credentials.ts"

const readOnlyMessage =
  "this token is for reading alone: it was given while the cluster had no quorum. Log in again when it has one"

const unauthenticated = (message: string) =>
  new Unauthenticated({ error: { code: "UNAUTHENTICATED", message, details: [] } })

const forbidden = (message: string) => new Forbidden({ error: { code: "FORBIDDEN", message, details: [] } })

export const AuthenticationLayer = Layer.effect(
  Authentication,
  Effect.gen(function* () {
    const { refusedTokens } = yield* authMetrics
    const reads = yield* Reads
    const credentials = yield* Credentials

    /** What they may do as it is at this request: a change of role acts at once. */
    const currentOf = Effect.fnUntraced(function* (identified: Identified) {
      const { limits, principal } = identified
      const access = yield* reads.access(principal)
      return CurrentUser.of({ principal, access: limits === null ? access : narrowed(access, limits) })
    })

    return Authentication.of({
      bearer: (httpEffect, { credential, endpoint, group }) =>
        Effect.gen(function* () {
          const identified = yield* credentials.identify(credential).pipe(
            Effect.tapError(({ reason }) => Effect.sync(() => refusedTokens.inc({ reason }))),
            Effect.mapError(({ message }) => unauthenticated(message))
          )
          const current = yield* currentOf(identified)
          if (identified.isReadOnly && endpoint.method !== "GET") return yield* forbidden(readOnlyMessage)
          const decision = authorize(demandOf(endpoint, group), current.access)
          switch (decision._tag) {
            case "Allowed":
              return yield* Effect.provideService(httpEffect, CurrentUser, current)
            case "Missing":
              return yield* forbidden(`this needs the permission ${decision.permission}, which you do not have`)
            case "Undeclared":
              yield* Effect.logError(
                `endpoint ${group.identifier}.${endpoint.name} declares no permission; it is refused`
              )
              return yield* forbidden("this endpoint is closed")
          }
        })
    })
  })
).pipe(Layer.provide(Credentials.layer))
