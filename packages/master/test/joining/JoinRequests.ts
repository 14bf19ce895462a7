/** What a new master asks with, and how it is refused. */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { JoinError, JoinProof, JoinRequest } from "../../src/joining/JoinCluster.ts"
import { joinMembers } from "../../src/joining/JoinMembers.ts"
import { type Common, newPrivateKey } from "../peer/PeerFixture.ts"
import { description } from "../state/TestCluster.ts"

/** Of the second master, with a key of its own. */
export const requestFor = Effect.fnUntraced(function* (
  common: Common,
  ports: ReadonlyArray<number>,
  proof: JoinProof,
  over: Partial<JoinRequest> = {}
) {
  const request: JoinRequest = {
    members: ports.map((port) => ({ host: "127.0.0.1", port })),
    proof,
    master: description(2),
    names: { dnsNames: ["m2.example.com"], ipAddresses: ["10.0.0.2"] },
    privateKeyPem: yield* newPrivateKey,
    keyFile: common.keyFile,
    listen: { host: "127.0.0.1", port: 0 },
    ...over
  }
  return request
})

export const refusedWith = (request: JoinRequest, reason: JoinError["reason"], text: RegExp) =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(joinMembers(request))
    assert.strictEqual(error.reason, reason, error.message)
    assert.match(error.message, text)
  })
