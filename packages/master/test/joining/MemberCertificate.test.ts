import { X509Certificate } from "node:crypto"
import { assert, it } from "@effect/vitest"
import { makeCertificateAuthority } from "@nxmesh/core/crypto/CertificateAuthority"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { Effect } from "effect"
import { masterUri } from "../../src/consensus/CertificateNames.ts"
import { judgeCertificate } from "../../src/joining/MemberCertificate.ts"
import { certificateOf } from "../peer/PeerFixture.ts"
import { masterId } from "../state/TestCluster.ts"

const makeAuthority = makeCertificateAuthority("NxMesh test").pipe(Effect.provide(Identifiers.layer))

it.live("names the master of a certificate in its time, and its faults in their order", () =>
  Effect.gen(function* () {
    const authority = yield* makeAuthority
    const other = yield* makeAuthority
    const { certificatePem } = yield* certificateOf(authority, [masterUri(masterId(2))])
    const certificate = new X509Certificate(certificatePem)
    const from = certificate.validFromDate.getTime()
    const to = certificate.validToDate.getTime()
    const judge = (pem: string, millis: number) => {
      const judged = judgeCertificate(certificate, pem, "client", millis)
      return judged._tag === "Master" ? judged.id : judged.fault
    }
    assert.strictEqual(judge(authority.certificatePem, from), masterId(2))
    assert.strictEqual(judge(authority.certificatePem, to - 1), masterId(2))
    assert.strictEqual(judge(authority.certificatePem, to), "expired_certificate")
    assert.strictEqual(judge(authority.certificatePem, from - 1), "expired_certificate")
    // Two authorities of one name: the signature tells them apart.
    assert.strictEqual(judge(other.certificatePem, from), "untrusted_certificate")
  })
)

it.live("takes neither the authority itself nor a name that only looks like a master's", () =>
  Effect.gen(function* () {
    const authority = yield* makeAuthority
    const judge = (pem: string) => {
      const certificate = new X509Certificate(pem)
      const now = certificate.validFromDate.getTime()
      const judged = judgeCertificate(certificate, authority.certificatePem, "server", now)
      return judged._tag === "Master" ? judged.id : judged.fault
    }
    assert.strictEqual(judge(authority.certificatePem), "untrusted_certificate")
    for (const uri of [
      "raft:node:",
      "raft:node:m2",
      "raft:client:c",
      `x:${masterUri(masterId(2))}`,
      `${masterUri(masterId(2))}/`
    ]) {
      assert.strictEqual(judge((yield* certificateOf(authority, [uri])).certificatePem), "no_master_name", uri)
    }
  })
)
