import { assert, it } from "@effect/vitest"
import { JoinTokenId } from "@nxmesh/protocol/Ids"
import type { Rejection } from "@nxmesh/protocol/Rejection"
import { type AdmissionFacts, refusalOf } from "../../src/peer/RejectedAdmission.ts"

const rejection = (code: Rejection["code"], ...fields: ReadonlyArray<string>): Rejection => ({
  code,
  message: "because",
  details: fields.map((field) => ({ field, message: "is wrong" }))
})
const facts: AdmissionFacts = { token: undefined, removed: false, full: false }
const token = {
  id: JoinTokenId.make("018f0000-0000-7000-8000-000000000001"),
  created_at: "2026-03-02T14:30:00.000Z",
  expires_at: "2026-03-02T15:30:00.000Z",
  used_at: null
}

it("gives each of apply's refusals the reason that its operator can act on", () => {
  const cases: ReadonlyArray<readonly [Rejection, Partial<AdmissionFacts>, string]> = [
    [rejection("UNAUTHENTICATED"), {}, "token_unknown"],
    [rejection("UNAUTHENTICATED"), { token }, "token_expired"],
    [rejection("UNAUTHENTICATED"), { token: { ...token, used_at: token.created_at } }, "token_used"],
    [rejection("CLASH", "name"), {}, "name_taken"],
    [rejection("CLASH", "name", "peer_address"), {}, "name_taken"],
    [rejection("CLASH", "agent_address"), {}, "address_taken"],
    [rejection("UNPROCESSABLE", "cluster_versions"), {}, "cluster_version"],
    [rejection("UNPROCESSABLE"), {}, "rejected"],
    [rejection("CONFLICT"), { removed: true, full: true }, "removed"],
    [rejection("CONFLICT"), { full: true }, "full"],
    [rejection("CONFLICT"), {}, "rejected"],
    [rejection("FORBIDDEN"), {}, "rejected"]
  ]
  for (const [refused, known, reason] of cases) {
    const answer = refusalOf(refused, { ...facts, ...known })
    assert.deepStrictEqual([answer.reason, answer.detail], [reason, "because"])
  }
})
