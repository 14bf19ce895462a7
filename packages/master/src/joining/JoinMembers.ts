/** Joins a cluster that stands: asks each of the members that the operator named, in turn, until one answers for good. */
import { loadKeyFile } from "@nxmesh/core/crypto/KeyFile"
import { joinRetry } from "@nxmesh/core/policy/Schedules"
import { Data, Effect } from "effect"
import { loadClusterSecret } from "./ClusterSecret.ts"
import { type Applicant, attemptJoin, type Credentials } from "./JoinAttempt.ts"
import { type JoinAnswer, JoinError, type JoinRequest } from "./JoinCluster.ts"

/** Nobody let this master in, and somebody may the next time. */
class NobodyAnswered extends Data.TaggedError("NobodyAnswered")<{ readonly problems: ReadonlyArray<string> }> {}

const settingsError = ({ message }: { readonly message: string }) => new JoinError({ reason: "Settings", message })

const credentialsOf = (proof: JoinRequest["proof"]): Effect.Effect<Credentials, JoinError> =>
  proof._tag !== "ClusterSecret"
    ? Effect.succeed(proof)
    : loadClusterSecret(proof.secretFile).pipe(
        Effect.map((secret): Credentials => ({ _tag: "ClusterSecret", secret })),
        Effect.mapError(settingsError)
      )

/** Reads what this master proves itself with. */
export const applicantFor = Effect.fnUntraced(function* (request: JoinRequest): Effect.fn.Return<Applicant, JoinError> {
  const { key } = yield* Effect.mapError(loadKeyFile(request.keyFile), settingsError)
  return { request, credentials: yield* credentialsOf(request.proof), keyEncryptionKey: key }
})

/** Each member once. */
const askEach = Effect.fnUntraced(function* (
  members: JoinRequest["members"],
  applicant: Applicant
): Effect.fn.Return<JoinAnswer, NobodyAnswered | JoinError> {
  const problems: Array<string> = []
  for (const member of members) {
    const answer = yield* attemptJoin(member, applicant).pipe(
      Effect.catchTag("MemberUnreachable", ({ message }) => Effect.sync(() => void problems.push(message)))
    )
    if (answer !== undefined) return answer
  }
  yield* Effect.logWarning("no member has let this master in yet; trying again", { problems })
  return yield* new NobodyAnswered({ problems })
})

export const joinMembers = Effect.fn("JoinMembers")(function* (
  request: JoinRequest
): Effect.fn.Return<JoinAnswer, JoinError> {
  const applicant = yield* applicantFor(request)
  return yield* askEach(request.members, applicant).pipe(
    Effect.retry({ schedule: joinRetry, while: (error) => error._tag === "NobodyAnswered" }),
    Effect.catchTag("NobodyAnswered", ({ problems }) =>
      Effect.fail(new JoinError({ reason: "Unreachable", message: problems.join("; ") }))
    )
  )
})
