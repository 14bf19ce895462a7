/**
 * The one door of the command line to the master's own code: what is done to a data directory while no master runs there.
 * It is loaded when such a command is given, so that every other one starts quickly and stays a client of the API.
 */
import { Effect } from "effect"
import { type CliFailure, refused } from "./CliFailure.ts"

const load = Effect.promise(() => import("../recovery/Offline.ts"))

type Offline = typeof import("../recovery/Offline.ts")

/** Does it, and tells a failure in its own words. */
export const offline = <A>(
  use: (offline: Offline) => Effect.Effect<A, { readonly message: string }>
): Effect.Effect<A, CliFailure> => Effect.flatMap(load, use).pipe(Effect.mapError(({ message }) => refused(message)))
