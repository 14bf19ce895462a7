/** A cluster that has not risen yet has no tables for alerts: its masters of before could not apply what is written there. */
import { Effect } from "effect"
import { Database } from "../state/Database.ts"
import { keepsAlerts } from "../state/ReadAlerting.ts"
import { refuse } from "./Refusal.ts"

export const requireAlerting = Effect.gen(function* () {
  const { reader } = yield* Database
  if (keepsAlerts(reader)) return
  return yield* Effect.fail(
    refuse(
      "UNPROCESSABLE",
      "There are no alerts before cluster version 4: upgrade every master, and the cluster rises by itself or with `nxmesh cluster upgrade`"
    )
  )
})

/** The same handler behind that question. */
export const withAlerting =
  <Request, A, E, R>(handler: (request: Request) => Effect.Effect<A, E, R>) =>
  (request: Request) =>
    Effect.andThen(requireAlerting, handler(request))
