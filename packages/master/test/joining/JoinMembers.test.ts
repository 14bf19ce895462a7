import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto"
import { assert, it } from "@effect/vitest"
import { makeCertificateAuthority } from "@nxmesh/core/crypto/CertificateAuthority"
import { certificateFingerprint } from "@nxmesh/core/crypto/Fingerprint"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { joinTokenText } from "@nxmesh/protocol/peer/Joining"
import { Effect, Redacted } from "effect"
import { masterUri } from "../../src/consensus/CertificateNames.ts"
import type { JoinProof } from "../../src/joining/JoinCluster.ts"
import { joinMembers } from "../../src/joining/JoinMembers.ts"
import { judgeCertificate } from "../../src/joining/MemberCertificate.ts"
import { freePort } from "../../../../test/support/FreePort.ts"
import { certificateOf, makeCommon, makeToken, type Member, startMember } from "../peer/PeerFixture.ts"
import { description, masterId } from "../state/TestCluster.ts"
import { submit } from "../state/TestMaster.ts"
import { refusedWith, requestFor } from "./JoinRequests.ts"

const byToken = (token: Redacted.Redacted<string>): JoinProof => ({ _tag: "Token", token })
const bySecret = (secretFile: string): JoinProof => ({ _tag: "ClusterSecret", secretFile, expect: null })

const members = ({ reads }: Member) => Effect.map(reads.masters, (all) => all.map(({ id }) => id))

it.live("joins with a token, and gets a certificate for its own key with its own names", () =>
  Effect.gen(function* () {
    const common = yield* makeCommon
    const member = yield* startMember(common)
    const request = yield* requestFor(common, [member.port], byToken(yield* makeToken(member, common, 1)))
    const answer = yield* joinMembers(request)
    assert.strictEqual(answer.authorityPem, common.authority.certificatePem)
    assert.deepStrictEqual(
      answer.masters.map(({ id }) => id),
      [masterId(1), masterId(2)]
    )
    assert.deepStrictEqual(yield* members(member), [masterId(1), masterId(2)])
    const certificate = new X509Certificate(answer.certificatePem)
    assert.isTrue(certificate.checkPrivateKey(createPrivateKey(Redacted.value(request.privateKeyPem))))
    assert.strictEqual(
      certificate.subjectAltName,
      `DNS:m2.example.com, IP Address:10.0.0.2, URI:${masterUri(masterId(2))}`
    )
    for (const side of ["client", "server"] as const) {
      const now = certificate.validFromDate.getTime()
      assert.strictEqual(judgeCertificate(certificate, answer.authorityPem, side, now)._tag, "Master")
    }
  })
)

it.live("gets the same answer again with the same key, and a token serves no other master", () =>
  Effect.gen(function* () {
    const common = yield* makeCommon
    const member = yield* startMember(common)
    const token = byToken(yield* makeToken(member, common, 1))
    const request = yield* requestFor(common, [member.port], token)
    const first = yield* joinMembers(request)
    const again = yield* joinMembers(request)
    assert.strictEqual(
      createPublicKey(again.certificatePem).export({ type: "spki", format: "pem" }),
      createPublicKey(first.certificatePem).export({ type: "spki", format: "pem" })
    )
    const other = { ...(yield* requestFor(common, [member.port], token)), master: description(3) }
    yield* refusedWith(other, "TokenRefused", /used already.*token of its own/)
    assert.deepStrictEqual(yield* members(member), [masterId(1), masterId(2)])
    assert.strictEqual(yield* member.refused("token_used"), 1)
  })
)

it.live("tries each member in turn, and the next when one is away", () =>
  Effect.gen(function* () {
    const common = yield* makeCommon
    const member = yield* startMember(common)
    const nobody = yield* freePort
    const token = byToken(yield* makeToken(member, common, 1))
    const answer = yield* joinMembers(yield* requestFor(common, [nobody, member.port], token))
    assert.strictEqual(answer.masters.length, 2)
  })
)

it.live("says what is wrong with the token, the key file, the name, the addresses and the version", () =>
  Effect.gen(function* () {
    const common = yield* makeCommon
    const member = yield* startMember(common)
    const ports = [member.port]
    const unknown = byToken(Redacted.make(joinTokenText(common.fingerprint, "a-secret-that-nobody-made")))
    yield* refusedWith(
      yield* requestFor(common, ports, unknown),
      "TokenRefused",
      /unknown.*nxmesh cluster token create/
    )
    const expired = byToken(yield* makeToken(member, common, 2, "2001-01-01T00:00:00.000Z"))
    yield* refusedWith(yield* requestFor(common, ports, expired), "TokenRefused", /expired/)
    const good = byToken(yield* makeToken(member, common, 1))
    const cases = [
      [{ keyFile: common.otherKeyFile }, "WrongKeyFile", /NXMESH_SECRETS_KEY_FILE/],
      [{ keyFile: "/nowhere/secrets.key" }, "Settings", /\/nowhere\/secrets.key/],
      [{ master: description(2, { name: "m1" }) }, "NameTaken", /NXMESH_NODE_NAME/],
      [
        { master: description(2, { peer_address: description(1).peer_address }) },
        "AddressTaken",
        /NXMESH_ADVERTISE_PEER/
      ],
      [{ master: description(2, { cluster_versions: { lowest: 2, highest: 3 } }) }, "WrongVersion", /version/]
    ] as const
    for (const [over, reason, text] of cases) {
      yield* refusedWith(yield* requestFor(common, ports, good, over), reason, text)
    }
    assert.deepStrictEqual(yield* members(member), [masterId(1)])
    // None of them burned the token.
    yield* joinMembers(yield* requestFor(common, ports, good))
  })
)

it.live("sends its token to nobody whose authority is not the one that the token names", () =>
  Effect.gen(function* () {
    const common = yield* makeCommon
    const member = yield* startMember(common)
    const foreign = yield* makeCertificateAuthority("impostor").pipe(Effect.provide(Identifiers.layer))
    const impostor = yield* startMember(common, {
      number: 4,
      certificate: yield* certificateOf(foreign, [masterUri(masterId(1))])
    })
    // From the right authority, and not a master's.
    const server = yield* startMember(common, { number: 5, certificate: yield* certificateOf(common.authority, []) })
    const token = byToken(yield* makeToken(member, common, 1))
    yield* refusedWith(yield* requestFor(common, [impostor.port], token), "WrongAuthority", /impostor/)
    yield* refusedWith(yield* requestFor(common, [server.port], token), "WrongAuthority", /not a master's/)
    const elsewhere = byToken(
      Redacted.make(joinTokenText(certificateFingerprint(foreign.certificatePem), "a-secret-of-some-other-cluster"))
    )
    yield* refusedWith(yield* requestFor(common, [member.port], elsewhere), "WrongAuthority", /another cluster/)
    for (const asked of [impostor, server, member]) assert.deepStrictEqual((yield* members(asked)).length, 1)
  })
)

it.live("joins with the cluster secret, which both sides must know", () =>
  Effect.gen(function* () {
    const common = yield* makeCommon
    const member = yield* startMember(common, { clusterSecret: true })
    const ports = [member.port]
    const wrong = yield* requestFor(common, ports, bySecret(common.otherSecretFile))
    yield* refusedWith(wrong, "SecretRefused", /NXMESH_CLUSTER_SECRET_FILE/)
    assert.strictEqual(yield* member.refused("cluster_secret"), 1)
    const missing = yield* requestFor(common, ports, bySecret("/nowhere/secret"))
    yield* refusedWith(missing, "Settings", /\/nowhere\/secret/)
    const answer = yield* joinMembers(yield* requestFor(common, ports, bySecret(common.secretFile)))
    assert.strictEqual(answer.authorityPem, common.authority.certificatePem)
    assert.deepStrictEqual(yield* members(member), [masterId(1), masterId(2)])
    const closed = yield* startMember(common, { number: 7 })
    const refused = yield* requestFor(common, [closed.port], bySecret(common.secretFile))
    yield* refusedWith(refused, "SecretRefused", /takes no cluster secret/)
  })
)

it.live("never joins under the id of a master that was removed", () =>
  Effect.gen(function* () {
    const common = yield* makeCommon
    const member = yield* startMember(common)
    yield* joinMembers(yield* requestFor(common, [member.port], byToken(yield* makeToken(member, common, 1))))
    yield* submit({ _tag: "RemoveMaster", id: masterId(2) }).pipe(Effect.provideContext(member.context))
    const again = yield* requestFor(common, [member.port], byToken(yield* makeToken(member, common, 2)))
    yield* refusedWith(again, "Removed", /[Ee]mpty.*data directory/)
  })
)

it.live("bounds how often one address may try", () =>
  Effect.gen(function* () {
    const common = yield* makeCommon
    const member = yield* startMember(common)
    const request = yield* requestFor(common, [member.port], byToken(yield* makeToken(member, common, 1)), {
      keyFile: common.otherKeyFile
    })
    for (let time = 0; time < 30; time += 1) yield* Effect.flip(joinMembers(request))
    const waits = yield* Effect.timeoutOption(joinMembers(request), "500 millis")
    assert.strictEqual(waits._tag, "None")
    assert.isAbove(yield* member.refused("too_many_attempts"), 0)
  })
)

it.live("lets no second master in before each has an address by which it is reached", () =>
  Effect.gen(function* () {
    const common = yield* makeCommon
    const member = yield* startMember(common)
    yield* submit({ _tag: "DescribeMaster", master: description(1, { peer_address: "0.0.0.0:7443" }) }).pipe(
      Effect.provideContext(member.context)
    )
    const request = yield* requestFor(common, [member.port], byToken(yield* makeToken(member, common, 1)))
    yield* refusedWith(request, "Settings", /m1 has the peer_address 0\.0\.0\.0:7443.*NXMESH_ADVERTISE_PEER/)
    const own = { ...request, master: description(2, { agent_address: "127.0.0.1:0" }) }
    yield* submit({ _tag: "DescribeMaster", master: description(1) }).pipe(Effect.provideContext(member.context))
    yield* refusedWith(own, "Settings", /agent_address 127\.0\.0\.1:0/)
    yield* joinMembers(request)
  })
)
