/**
 * Reads an uploaded certificate and its private key, and refuses what nginx or a browser would refuse later. Errors
 * name the request's field and say what to do.
 */
import "reflect-metadata"
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto"
import * as x509 from "@peculiar/x509"
import { Redacted, Result } from "effect"
import { Limits } from "../Limits.ts"
import { pemBlocks } from "./PemBlocks.ts"
import { sha256Hex } from "./Sha256.ts"

export interface CertificateFacts {
  /** The first subject alternative name, or the common name where there is none. */
  readonly domain: string
  /** DNS names and IP addresses, in the certificate's order. */
  readonly subject_alternative_names: ReadonlyArray<string>
  readonly is_wildcard: boolean
  /** ISO 8601 in UTC with milliseconds. */
  readonly issued_at: string
  readonly expires_at: string
  /** The leaf first, then its intermediates; nothing else that stood in the upload. */
  readonly certificate_pem: string
  /** PKCS #8. Seal it before it goes anywhere. */
  readonly private_key_pem: Redacted.Redacted<string>
  /** SHA-256 of the leaf's DER, lower-case hexadecimal. */
  readonly fingerprint_sha256: string
}

export interface CertificateProblem {
  readonly field: "certificate_pem" | "private_key_pem"
  readonly message: string
}

const { chainLengthMax, rsaBitsMin } = Limits.crypto
const curves: ReadonlySet<string | undefined> = new Set(["prime256v1", "secp384r1", "secp521r1"])

const refuse = (field: CertificateProblem["field"], message: string) =>
  Result.fail<CertificateProblem>({ field, message })

const readChain = (text: string): Result.Result<ReadonlyArray<X509Certificate>, CertificateProblem> => {
  const blocks = pemBlocks(text)
  if (blocks.some(({ label }) => label.endsWith("PRIVATE KEY"))) {
    return refuse("certificate_pem", "holds a private key; put the key in private_key_pem alone")
  }
  const certificates = blocks.filter(({ label }) => label === "CERTIFICATE" || label === "X509 CERTIFICATE")
  if (certificates.length === 0) {
    return refuse("certificate_pem", "holds no certificate in PEM format (-----BEGIN CERTIFICATE-----)")
  }
  if (certificates.length > chainLengthMax) {
    return refuse("certificate_pem", `holds ${certificates.length} certificates; a chain has at most ${chainLengthMax}`)
  }
  const chain: Array<X509Certificate> = []
  for (const [index, certificate] of certificates.entries()) {
    try {
      chain.push(new X509Certificate(certificate.text))
    } catch {
      return refuse("certificate_pem", `certificate ${index + 1} cannot be read; is it complete?`)
    }
  }
  return Result.succeed(chain)
}

const readKey = (text: string): Result.Result<KeyObject, CertificateProblem> => {
  const keys = pemBlocks(text).filter(({ label }) => label.endsWith("PRIVATE KEY"))
  const [key] = keys
  if (key === undefined) {
    return refuse("private_key_pem", "holds no private key in PEM format (-----BEGIN PRIVATE KEY-----)")
  }
  if (keys.length > 1)
    return refuse("private_key_pem", `holds ${keys.length} private keys; give the certificate's alone`)
  if (key.label === "ENCRYPTED PRIVATE KEY" || key.text.includes("Proc-Type: 4,ENCRYPTED")) {
    return refuse(
      "private_key_pem",
      "is encrypted with a passphrase; decrypt it first: openssl pkey -in key.pem -out plain.pem"
    )
  }
  try {
    return Result.succeed(createPrivateKey(key.text))
  } catch {
    return refuse("private_key_pem", "cannot be read; is it complete?")
  }
}

/** `undefined`, or why this kind of key is not accepted. */
const weakness = (key: KeyObject): string | undefined => {
  const details = key.asymmetricKeyDetails
  switch (key.asymmetricKeyType) {
    case "rsa": {
      const bits = details?.modulusLength ?? 0
      return bits < rsaBitsMin ? `is RSA with ${bits} bits; at least ${rsaBitsMin} are needed` : undefined
    }
    case "ec":
      return curves.has(details?.namedCurve)
        ? undefined
        : `is on the curve ${details?.namedCurve ?? "unknown"}; browsers know P-256, P-384 and P-521`
    case "ed25519":
      return undefined
    default:
      return `is of type ${key.asymmetricKeyType ?? "unknown"}; RSA, EC (P-256, P-384, P-521) and Ed25519 are accepted`
  }
}

const checkOrder = (
  chain: ReadonlyArray<X509Certificate>,
  key: KeyObject
): Result.Result<X509Certificate, CertificateProblem> => {
  const owner = chain.findIndex((certificate) => certificate.checkPrivateKey(key))
  const [leaf] = chain
  if (owner === -1 || leaf === undefined) {
    return refuse("private_key_pem", "does not belong to the certificate: their public keys differ")
  }
  if (owner > 0) {
    return refuse(
      "certificate_pem",
      `must start with the certificate of the key, which stands at place ${owner + 1}; then its intermediates, each before its issuer`
    )
  }
  for (const [index, certificate] of chain.entries()) {
    const issuer = chain[index + 1]
    if (issuer !== undefined && !(certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey))) {
      return refuse(
        "certificate_pem",
        `certificate ${index + 2} did not sign certificate ${index + 1}; put each certificate before its issuer`
      )
    }
  }
  return Result.succeed(leaf)
}

const hostNames = (leaf: X509Certificate): ReadonlyArray<string> => {
  const extension = new x509.X509Certificate(leaf.raw).getExtension(x509.SubjectAlternativeNameExtension)
  return (extension?.names.items ?? []).filter(({ type }) => type === "dns" || type === "ip").map(({ value }) => value)
}

const commonName = (leaf: X509Certificate): string | undefined =>
  new x509.X509Certificate(leaf.raw).subjectName.getField("CN")[0]

/** Reads both texts, as uploaded. */
export const readCertificate = (
  certificatePem: string,
  privateKeyPem: string
): Result.Result<CertificateFacts, CertificateProblem> => {
  const chain = readChain(certificatePem)
  if (Result.isFailure(chain)) return Result.fail(chain.failure)
  const key = readKey(privateKeyPem)
  if (Result.isFailure(key)) return Result.fail(key.failure)
  const weak = weakness(key.success)
  if (weak !== undefined) return refuse("private_key_pem", weak)
  const ordered = checkOrder(chain.success, key.success)
  if (Result.isFailure(ordered)) return Result.fail(ordered.failure)
  const leaf = ordered.success
  const names = hostNames(leaf)
  const domain = names[0] ?? commonName(leaf)
  if (domain === undefined || domain === "") {
    return refuse("certificate_pem", "names no host: it has neither a subject alternative name nor a common name")
  }
  return Result.succeed({
    domain,
    subject_alternative_names: names,
    is_wildcard: names.some((name) => name.startsWith("*.")) || domain.startsWith("*."),
    issued_at: leaf.validFromDate.toISOString(),
    expires_at: leaf.validToDate.toISOString(),
    certificate_pem: chain.success.map((certificate) => certificate.toString()).join(""),
    private_key_pem: Redacted.make(key.success.export({ type: "pkcs8", format: "pem" }).toString()),
    fingerprint_sha256: sha256Hex(leaf.raw)
  })
}
