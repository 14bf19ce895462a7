/** Masters that start together and have a secret in common make one cluster, whichever of them comes first. */
import { formingPoll, joinRetry } from "@nxmesh/core/policy/Schedules"
import { addressText } from "@nxmesh/core/settings/SettingValues"
import { Clock, Duration, Effect } from "effect"
import { Limits } from "../Limits.ts"
import { askForming } from "./AskForming.ts"
import { type AddressView, decideForming, type FormingDecision, seenIn } from "./FormingDecision.ts"
import type { ClusterSecret } from "./FormingProofs.ts"
import { type Applicant, attemptJoin } from "./JoinAttempt.ts"
import { JoinError, type JoinOutcome, type JoinRequest } from "./JoinCluster.ts"
import { MemberUnreachable } from "./MemberConnection.ts"
import { serveUnformed } from "./UnformedServer.ts"

/** Says for what this master waits, when that changes and every now and then. */
const makeReport = Effect.sync(() => {
  let said = ""
  let saidMillis = 0
  return Effect.fnUntraced(function* (reason: string, problems: ReadonlyArray<string>) {
    const nowMillis = yield* Clock.currentTimeMillis
    const text = [reason, ...problems].join("; ")
    if (text === said && nowMillis - saidMillis < Duration.toMillis(Limits.joining.waitLogged)) return
    said = text
    saidMillis = nowMillis
    yield* Effect.logInfo("waiting for the other masters to form a cluster", { reason, problems })
  })
})

/**
 * Answers others and asks them until there is something to do. From its end on nobody is told any more that this master
 * has no cluster: that is what the decision rests on.
 */
const watchOthers = Effect.fnUntraced(function* (request: JoinRequest, secret: ClusterSecret, expect: number) {
  const self = request.master.id
  const views = new Map<string, AddressView>(request.members.map((each) => [addressText(each), { _tag: "Silent" }]))
  const report = yield* makeReport
  yield* serveUnformed(request.listen, secret, () => ({ id: self, formed: false, sees: seenIn(views.values()) }))

  const round: Effect.Effect<FormingDecision> = Effect.gen(function* () {
    const problems: Array<string> = []
    for (const member of request.members) {
      const { problem, view } = yield* askForming(member, self, secret)
      views.set(addressText(member), view)
      if (problem !== null) problems.push(problem)
    }
    const decision = decideForming(self, expect, [...views.values()])
    if (decision._tag === "Wait") yield* report(decision.reason, problems)
    return decision
  })
  const decision = yield* Effect.repeat(round, {
    schedule: formingPoll,
    until: ({ _tag }) => _tag !== "Wait"
  })
  const formed = request.members.filter((each) => views.get(addressText(each))?._tag === "Formed")
  return { makes: decision._tag === "Make", formed }
}, Effect.scoped)

/** Joins one of these. */
const joinOneOf = Effect.fnUntraced(function* (members: JoinRequest["members"], applicant: Applicant) {
  const problems: Array<string> = []
  for (const member of members) {
    const answer = yield* attemptJoin(member, applicant).pipe(
      Effect.catchTag("MemberUnreachable", ({ message }) => Effect.sync(() => void problems.push(message)))
    )
    if (answer !== undefined) return answer
  }
  yield* Effect.logWarning("there is a cluster, and no member has let this master in yet; trying again", { problems })
  return yield* new MemberUnreachable({ message: problems.join("; ") })
})

const settingsProblem = ({ members }: JoinRequest, expect: number): string | null => {
  const distinct = new Set(members.map(addressText)).size
  return distinct === expect && members.length === expect
    ? null
    : `NXMESH_JOIN names ${distinct} masters, and NXMESH_BOOTSTRAP_EXPECT is ${expect}: name each of the ${expect} once, ` +
        "this one too; a master that comes later joins without NXMESH_BOOTSTRAP_EXPECT"
}

export const formCluster = Effect.fn("FormCluster")(function* (
  request: JoinRequest,
  applicant: Applicant,
  secret: ClusterSecret,
  expect: number
): Effect.fn.Return<JoinOutcome, JoinError> {
  const problem = settingsProblem(request, expect)
  if (problem !== null) return yield* new JoinError({ reason: "Settings", message: problem })
  const once = Effect.gen(function* () {
    const { formed, makes } = yield* watchOthers(request, secret, expect)
    if (!makes) return { _tag: "Joined", answer: yield* joinOneOf(formed, applicant) } satisfies JoinOutcome
    yield* Effect.logInfo("all masters are here, and this one makes the cluster", { masters: expect })
    return { _tag: "MakesCluster" } satisfies JoinOutcome
  })
  return yield* Effect.retry(once, { schedule: joinRetry, while: ({ _tag }) => _tag === "MemberUnreachable" }).pipe(
    Effect.catchTag("MemberUnreachable", ({ message }) =>
      Effect.fail(new JoinError({ reason: "Unreachable", message }))
    )
  )
})
