import { Effect, Layer } from "effect"
import { formCluster } from "./FormCluster.ts"
import { JoinCluster, type JoinOutcome, type JoinRequest } from "./JoinCluster.ts"
import { applicantFor, joinMembers } from "./JoinMembers.ts"

const join = Effect.fnUntraced(function* (request: JoinRequest) {
  const { proof } = request
  if (proof._tag === "ClusterSecret" && proof.expect !== null) {
    const applicant = yield* applicantFor(request)
    if (applicant.credentials._tag === "ClusterSecret") {
      return yield* formCluster(request, applicant, applicant.credentials.secret, proof.expect)
    }
  }
  const joined: JoinOutcome = { _tag: "Joined", answer: yield* joinMembers(request) }
  return joined
})

/** Joins over the network, or forms a cluster with the others. */
export const layerJoinCluster = Layer.succeed(JoinCluster, { join })
