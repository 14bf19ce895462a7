import { Effect, Layer } from "effect"
import { JoinCluster, type JoinOutcome } from "./JoinCluster.ts"
import { joinMembers } from "./JoinMembers.ts"

/** Joins over the network. */
export const layerJoinCluster = Layer.succeed(JoinCluster, {
  join: (request) => Effect.map(joinMembers(request), (answer): JoinOutcome => ({ _tag: "Joined", answer }))
})
