/** Goal: a member whose state is wrong or lost comes back in its own place, by its certificate alone. */
import { assert, describe, it } from "@effect/vitest"
import { makeCertificateAuthority } from "@nxmesh/core/crypto/CertificateAuthority"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { Effect } from "effect"
import { freePort } from "../../../../test/support/FreePort.ts"
import { masterUri } from "../../src/consensus/CertificateNames.ts"
import { type JoinProof, type JoinRequest } from "../../src/joining/JoinCluster.ts"
import { joinMembers } from "../../src/joining/JoinMembers.ts"
import { certificateOf, type Common, makeCommon, type Member, startMember } from "../peer/PeerFixture.ts"
import { admit, description, masterId } from "../state/TestCluster.ts"
import { submit } from "../state/TestMaster.ts"
import { refusedWith, requestFor as joinRequest } from "./JoinRequests.ts"

/** A cluster of 1 and 2, of which 1 serves; what 2 shows of itself. */
const clusterOfTwo = Effect.gen(function* () {
  const common = yield* makeCommon
  const member = yield* startMember(common)
  yield* submit(admit(2)).pipe(Effect.provideContext(member.context))
  return { common, member, shown: yield* shownBy(common, 2) }
})

const shownBy = (common: Common, number: number) =>
  Effect.map(certificateOf(common.authority, [masterUri(masterId(number))]), (certificate): JoinProof => ({
    _tag: "Certificate",
    certificate,
    authorityPem: certificate.authorityPem
  }))

/** Of a new id in the place of the second master. */
const requestFor = (common: Common, ports: ReadonlyArray<number>, proof: JoinProof, over: Partial<JoinRequest> = {}) =>
  joinRequest(common, ports, proof, {
    master: { ...description(2), id: masterId(4) },
    names: { dnsNames: ["m2.example.com"], ipAddresses: [] },
    ...over
  })

const members = ({ reads }: Member) =>
  Effect.map(reads.masters, (all) => all.map(({ id, name, peer_address }) => ({ id, name, peer_address })))

const member1 = { id: masterId(1), name: "m1", peer_address: description(1).peer_address }

describe("a member's place", { timeout: 60_000 }, () => {
  it.live("is taken by its certificate, under another id, with its name and addresses (rule 2)", () =>
    Effect.gen(function* () {
      const { common, member, shown } = yield* clusterOfTwo
      const answer = yield* joinMembers(yield* requestFor(common, [yield* freePort, member.port], shown))
      assert.deepStrictEqual(
        answer.masters.map(({ id, name }) => ({ id, name })),
        [
          { id: masterId(1), name: "m1" },
          { id: masterId(4), name: "m2" }
        ]
      )
      const { name, peer_address } = description(2)
      assert.deepStrictEqual(yield* members(member), [member1, { id: masterId(4), name, peer_address }])
      assert.isTrue(yield* member.reads.isRemovedMaster(masterId(2)))
    })
  )

  it.live("is given once: the same request gets the same answer, another one is told that the member was removed", () =>
    Effect.gen(function* () {
      const { common, member, shown } = yield* clusterOfTwo
      const request = yield* requestFor(common, [member.port], shown)
      yield* joinMembers(request)
      yield* joinMembers(request)
      const other = yield* requestFor(common, [member.port], shown, {
        master: { ...description(2), id: masterId(5) }
      })
      yield* refusedWith(other, "Removed", /removed.*[Ee]mpty this master's data directory/)
      assert.strictEqual((yield* member.reads.masters).length, 2)
    })
  )

  it.live("is not taken without a member's certificate, under the same id, or without the key file", () =>
    Effect.gen(function* () {
      const { common, member, shown } = yield* clusterOfTwo
      const ports = [member.port]
      const stranger = yield* requestFor(common, ports, yield* shownBy(common, 7))
      yield* refusedWith(stranger, "Refused", /not a member of this cluster/)
      const sameId = yield* requestFor(common, ports, shown, { master: description(2) })
      yield* refusedWith(sameId, "Refused", /key|new id/)
      const otherKeyFile = yield* requestFor(common, ports, shown, { keyFile: common.otherKeyFile })
      yield* refusedWith(otherKeyFile, "WrongKeyFile", /NXMESH_SECRETS_KEY_FILE/)

      const authority = yield* makeCertificateAuthority("another cluster").pipe(Effect.provide(Identifiers.layer))
      const foreign = yield* shownBy({ ...common, authority }, 2)
      yield* refusedWith(yield* requestFor(common, ports, foreign), "WrongAuthority", /node\.json.*another cluster/)
      const proof: JoinProof = { ...foreign, authorityPem: common.authority.certificatePem } as JoinProof
      yield* refusedWith(yield* requestFor(common, ports, proof), "Refused", /not from this cluster's authority/)
      assert.deepStrictEqual(yield* member.reads.isRemovedMaster(masterId(2)), false)
    })
  )

  it.live("is not given up when the member is the last that votes", () =>
    Effect.gen(function* () {
      const common = yield* makeCommon
      const member = yield* startMember(common)
      const request = yield* requestFor(common, [member.port], yield* shownBy(common, 1))
      yield* refusedWith(request, "Refused", /last master that votes/)
      assert.deepStrictEqual(yield* members(member), [member1])
    })
  )
})
