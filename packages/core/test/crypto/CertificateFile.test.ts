import { createPrivateKey, generateKeyPairSync } from "node:crypto"
import "reflect-metadata"
import { webcrypto } from "node:crypto"
import * as x509 from "@peculiar/x509"
import { readCertificate } from "@nxmesh/core/crypto/CertificateFile"
import { assert, beforeAll, describe, it } from "@effect/vitest"
import { Redacted, Result } from "effect"

interface Made {
  readonly pem: string
  readonly key: string
}
type Algorithm = Parameters<typeof webcrypto.subtle.generateKey>[0] & { readonly name: string }
const ec = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }
const rsa = (bits: number) => ({
  name: "RSASSA-PKCS1-v1_5",
  hash: "SHA-256",
  modulusLength: bits,
  publicExponent: new Uint8Array([1, 0, 1])
})
interface Signer {
  readonly certificate: x509.X509Certificate
  readonly keys: webcrypto.CryptoKeyPair
}

const validity = { notBefore: new Date("2026-01-02T03:04:05Z"), notAfter: new Date("2036-01-02T03:04:05Z") }
const make = async (
  names: ReadonlyArray<x509.JsonGeneralName>,
  { algorithm = ec as Algorithm, cn = "CN=example.test", issuer = undefined as Signer | undefined, ca = false } = {}
): Promise<Made & Signer> => {
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"])) as webcrypto.CryptoKeyPair
  const certificate = await x509.X509CertificateGenerator.create({
    ...validity,
    subject: cn,
    issuer: issuer?.certificate.subject ?? cn,
    publicKey: keys.publicKey,
    signingKey: issuer?.keys.privateKey ?? keys.privateKey,
    signingAlgorithm: issuer === undefined ? algorithm : ec,
    extensions: [
      new x509.BasicConstraintsExtension(ca),
      ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension([...names])] : [])
    ]
  })
  const key = x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey), "PRIVATE KEY")
  return { certificate, keys, pem: `${certificate.toString("pem")}\n`, key: `${key}\n` }
}

const dns = (value: string): x509.JsonGeneralName => ({ type: "dns", value })
const problem = (certificate: string, key: string) => {
  const result = readCertificate(certificate, key)
  return Result.isFailure(result) ? `${result.failure.field}: ${result.failure.message}` : "accepted"
}
const facts = (certificate: string, key: string) => Result.getOrThrow(readCertificate(certificate, key))

describe("CertificateFile", () => {
  let root: Made & Signer
  let intermediate: Made & Signer
  let leaf: Made & Signer
  let other: Made & Signer
  beforeAll(async () => {
    root = await make([], { cn: "CN=Root", ca: true })
    intermediate = await make([], { cn: "CN=Intermediate", ca: true, issuer: root })
    leaf = await make([dns("example.test"), dns("*.example.test"), { type: "ip", value: "192.0.2.1" }], {
      issuer: intermediate
    })
    other = await make([dns("other.test")])
  })

  it("reads names, validity and fingerprint of the leaf", () => {
    const read = facts(leaf.pem + intermediate.pem, leaf.key)
    assert.strictEqual(read.domain, "example.test")
    assert.deepStrictEqual(read.subject_alternative_names, ["example.test", "*.example.test", "192.0.2.1"])
    assert.isTrue(read.is_wildcard)
    assert.strictEqual(read.issued_at, "2026-01-02T03:04:05.000Z")
    assert.strictEqual(read.expires_at, "2036-01-02T03:04:05.000Z")
    assert.match(read.fingerprint_sha256, /^[0-9a-f]{64}$/)
    assert.strictEqual(read.certificate_pem.match(/BEGIN CERTIFICATE/g)?.length, 2)
    assert.notInclude(JSON.stringify(read), "PRIVATE KEY")
  })

  it("falls back to the common name, and refuses a certificate without any name", async () => {
    const named = await make([])
    assert.strictEqual(facts(named.pem, named.key).domain, "example.test")
    assert.deepStrictEqual(facts(named.pem, named.key).subject_alternative_names, [])
    const nameless = await make([], { cn: "O=Nobody" })
    assert.include(problem(nameless.pem, nameless.key), "certificate_pem: names no host")
  })

  it("drops what stands around the blocks, and reads Windows line ends", () => {
    const text = `subject=evil; }\n${leaf.pem}# comment\n`.replaceAll("\n", "\r\n")
    assert.notInclude(facts(text, leaf.key).certificate_pem, "evil")
    assert.isTrue(facts(text, leaf.key).certificate_pem.startsWith("-----BEGIN CERTIFICATE-----\n"))
  })

  it("reads the older forms of EC and RSA keys and keeps PKCS #8", async () => {
    const strong = await make([dns("rsa.test")], { algorithm: rsa(2_048) })
    const sec1 = createPrivateKey(leaf.key).export({ type: "sec1", format: "pem" }).toString()
    const pkcs1 = createPrivateKey(strong.key).export({ type: "pkcs1", format: "pem" }).toString()
    const parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    for (const [pem, key] of [
      [leaf.pem, parameters + sec1],
      [strong.pem, pkcs1]
    ] as const) {
      assert.include(Redacted.value(facts(pem, key).private_key_pem), "-----BEGIN PRIVATE KEY-----")
    }
  })

  it("accepts Ed25519", async () => {
    const made = await make([dns("ed.test")], { algorithm: { name: "Ed25519" } })
    assert.strictEqual(facts(made.pem, made.key).domain, "ed.test")
  })

  it("refuses a key that does not match, in the key's field", () => {
    assert.include(problem(leaf.pem, other.key), "private_key_pem: does not belong to the certificate")
  })

  it("refuses a chain in the wrong order, and says what to do", () => {
    assert.include(problem(intermediate.pem + leaf.pem, leaf.key), "certificate_pem: must start with")
    assert.include(
      problem(leaf.pem + root.pem + intermediate.pem, leaf.key),
      "certificate_pem: certificate 2 did not sign certificate 1"
    )
    assert.strictEqual(problem(leaf.pem + intermediate.pem + root.pem, leaf.key), "accepted")
  })

  it("refuses an encrypted key in both formats", () => {
    const key = createPrivateKey(leaf.key)
    const pkcs8 = key.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" }).toString()
    const sec1 = key.export({ type: "sec1", format: "pem", cipher: "aes-256-cbc", passphrase: "x" }).toString()
    for (const encrypted of [pkcs8, sec1]) {
      assert.include(problem(leaf.pem, encrypted), "private_key_pem: is encrypted with a passphrase")
    }
  })

  it("refuses weak and unusual keys", async () => {
    const weak = await make([dns("weak.test")], { algorithm: rsa(1_024) })
    assert.include(problem(weak.pem, weak.key), "private_key_pem: is RSA with 1024 bits")
    const pem = (pair: ReturnType<typeof generateKeyPairSync>) =>
      (pair as unknown as { privateKey: ReturnType<typeof createPrivateKey> }).privateKey
        .export({ type: "pkcs8", format: "pem" })
        .toString()
    const koblitz = pem(generateKeyPairSync("ec", { namedCurve: "secp256k1" }) as never)
    assert.include(problem(leaf.pem, koblitz), "private_key_pem: is on the curve secp256k1")
    const pss = pem(generateKeyPairSync("rsa-pss", { modulusLength: 2_048 }) as never)
    assert.include(problem(leaf.pem, pss), "private_key_pem: is of type rsa-pss")
  })

  it.each(["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "-----BEGIN CERTIFICATE-----"])(
    "refuses %j as a certificate and as a key",
    (text) => {
      assert.isTrue(problem(text, leaf.key).startsWith("certificate_pem: "))
      assert.isTrue(problem(leaf.pem, text).startsWith("private_key_pem: "))
    }
  )

  it("refuses a key among the certificates, two keys, and a chain without end", () => {
    assert.include(problem(leaf.pem + leaf.key, leaf.key), "certificate_pem: holds a private key")
    assert.include(problem(leaf.pem, leaf.key + other.key), "private_key_pem: holds 2 private keys")
    assert.include(problem(leaf.pem.repeat(11), leaf.key), "certificate_pem: holds 11 certificates")
  })

  it("refuses broken PEM without failing otherwise", () => {
    const broken = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"
    assert.include(problem(leaf.pem, broken), "private_key_pem: cannot be read")
  })
})
