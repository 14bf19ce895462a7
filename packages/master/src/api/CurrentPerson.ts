/** Who asks, for the endpoints that are about oneself: a person with a session, and no program with a key. */
import { CurrentUser } from "@nxmesh/protocol/api/Authentication"
import { Effect } from "effect"
import { refuse } from "./Refusal.ts"

export const currentPerson = Effect.gen(function* () {
  const { principal } = yield* CurrentUser
  if (principal._tag === "User") return principal
  return yield* Effect.fail(
    refuse("FORBIDDEN", "this is for people who have logged in: a service account has no session")
  )
})
