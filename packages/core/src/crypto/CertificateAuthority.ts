/**
 * The cluster's own certificate authority (X.509, RFC 5280): one P-256 key, ten years, which issues the certificates of
 * the masters. Agents pin its fingerprint.
 */
import "reflect-metadata"
import { webcrypto } from "node:crypto"
import * as x509 from "@peculiar/x509"
import { Clock, Data, Duration, Effect, Redacted } from "effect"
import { Limits } from "../Limits.ts"
import { Identifiers } from "./Identifiers.ts"

export interface KeyedCertificate {
  readonly certificatePem: string
  /** PKCS #8. */
  readonly privateKeyPem: Redacted.Redacted<string>
}

export class CertificateAuthorityError extends Data.TaggedError("CertificateAuthorityError")<{
  readonly message: string
  readonly cause: unknown
}> {}

/** Certificates start to be valid this long before they are made, for machines whose clocks are behind. */
const backdating = Duration.minutes(5)

const keyAlgorithm = { name: "ECDSA", namedCurve: "P-256" } as const
const signingAlgorithm = { name: "ECDSA", hash: "SHA-256" } as const

const attempt = <A>(doing: string, run: () => Promise<A>): Effect.Effect<A, CertificateAuthorityError> =>
  Effect.tryPromise({
    try: run,
    catch: (cause) =>
      new CertificateAuthorityError({
        message: `cannot ${doing}: ${cause instanceof Error ? cause.message : String(cause)}`,
        cause
      })
  })

const generateKeys = () => webcrypto.subtle.generateKey(keyAlgorithm, true, ["sign", "verify"])

const privateKeyPem = async (keys: webcrypto.CryptoKeyPair): Promise<Redacted.Redacted<string>> =>
  Redacted.make(
    x509.PemConverter.encode(
      await webcrypto.subtle.exportKey("pkcs8", keys.privateKey),
      x509.PemConverter.PrivateKeyTag
    )
  )

/** With the line end that lets texts of PEM be joined. */
const pemOf = (certificate: x509.X509Certificate): string => `${certificate.toString("pem")}\n`

/** Validity and serial number (16 random bytes, positive) of a certificate made now. */
const stamp = Effect.fnUntraced(function* (validity: Duration.Duration) {
  const identifiers = yield* Identifiers
  const nowMillis = yield* Clock.currentTimeMillis
  const serial = yield* identifiers.randomBytes(16)
  return {
    serialNumber: `7f${Buffer.from(serial.subarray(1)).toString("hex")}`,
    notBefore: new Date(nowMillis - Duration.toMillis(backdating)),
    notAfter: new Date(nowMillis + Duration.toMillis(validity))
  }
})

/** A name without what would need escaping in a distinguished name. */
const commonName = (name: string): string => `CN=${name.replaceAll(/[^A-Za-z0-9 .:_-]/g, "")}`

/** A new, self-signed authority. */
export const makeCertificateAuthority = Effect.fn("CertificateAuthority.make")(function* (
  name: string
): Effect.fn.Return<KeyedCertificate, CertificateAuthorityError, Identifiers> {
  const stamped = yield* stamp(Duration.days(Limits.crypto.authorityValidityDays))
  return yield* attempt("make a certificate authority", async () => {
    const keys = await generateKeys()
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      ...stamped,
      name: commonName(name),
      signingAlgorithm,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey)
      ]
    })
    return { certificatePem: pemOf(certificate), privateKeyPem: await privateKeyPem(keys) }
  })
})

export interface ServerCertificateRequest {
  readonly dnsNames: ReadonlyArray<string>
  readonly ipAddresses: ReadonlyArray<string>
  /** With one the certificate also says who its holder is where the holder is the client. */
  readonly uris?: ReadonlyArray<string>
}

const importSigningKey = (authority: KeyedCertificate) =>
  webcrypto.subtle.importKey(
    "pkcs8",
    x509.PemConverter.decodeFirst(Redacted.value(authority.privateKeyPem)),
    keyAlgorithm,
    false,
    ["sign"]
  )

const extensionsFor = async (
  { dnsNames, ipAddresses, uris = [] }: ServerCertificateRequest,
  issuer: x509.X509Certificate,
  key: x509.PublicKey
) => [
  new x509.BasicConstraintsExtension(false, undefined, true),
  new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
  new x509.ExtendedKeyUsageExtension([
    x509.ExtendedKeyUsage.serverAuth,
    ...(uris.length === 0 ? [] : [x509.ExtendedKeyUsage.clientAuth])
  ]),
  new x509.SubjectAlternativeNameExtension([
    ...dnsNames.map((value) => ({ type: "dns", value }) as const),
    ...ipAddresses.map((value) => ({ type: "ip", value }) as const),
    ...uris.map((value) => ({ type: "url", value }) as const)
  ]),
  await x509.AuthorityKeyIdentifierExtension.create(issuer),
  await x509.SubjectKeyIdentifierExtension.create(key)
]

export interface IssuedCertificate {
  readonly certificatePem: string
  readonly expiresAtMillis: number
}

/** A certificate for 90 days for a key whose private half the authority need not know. */
export const certifyKey = Effect.fn("CertificateAuthority.certifyKey")(function* (
  authority: KeyedCertificate,
  key: x509.PublicKey,
  request: ServerCertificateRequest
): Effect.fn.Return<IssuedCertificate, CertificateAuthorityError, Identifiers> {
  const stamped = yield* stamp(Duration.days(Limits.crypto.serverValidityDays))
  const name = request.dnsNames[0] ?? request.ipAddresses[0] ?? "nxmesh"
  return yield* attempt(`issue a certificate for ${name}`, async () => {
    const issuer = new x509.X509Certificate(authority.certificatePem)
    const certificate = await x509.X509CertificateGenerator.create({
      ...stamped,
      subject: commonName(name),
      issuer: issuer.subject,
      signingAlgorithm,
      publicKey: key,
      signingKey: await importSigningKey(authority),
      extensions: await extensionsFor(request, issuer, key)
    })
    return { certificatePem: pemOf(certificate), expiresAtMillis: stamped.notAfter.getTime() }
  })
})

/** A P-256 key for a certificate, PKCS #8. */
export const makePrivateKey: Effect.Effect<Redacted.Redacted<string>, CertificateAuthorityError> = attempt(
  "make a private key",
  async () => privateKeyPem(await generateKeys())
)

/** A server certificate for 90 days, with a key of its own. The chain that a server sends is it, then the authority's. */
export const issueServerCertificate = Effect.fn("CertificateAuthority.issueServer")(function* (
  authority: KeyedCertificate,
  request: ServerCertificateRequest
): Effect.fn.Return<KeyedCertificate & { readonly expiresAtMillis: number }, CertificateAuthorityError, Identifiers> {
  const keys = yield* attempt("make a private key", generateKeys)
  const key = yield* attempt(
    "read a public key",
    async () => new x509.PublicKey(await webcrypto.subtle.exportKey("spki", keys.publicKey))
  )
  const issued = yield* certifyKey(authority, key, request)
  return { ...issued, privateKeyPem: yield* attempt("write a private key", () => privateKeyPem(keys)) }
})
