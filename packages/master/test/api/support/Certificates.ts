/** Certificates made for one test. */
import { generateKeyPairSync } from "node:crypto"
import { issueServerCertificate, makeCertificateAuthority } from "@nxmesh/core/crypto/CertificateAuthority"
import { Effect, Redacted } from "effect"

/** A leaf of an authority of its own, as an upload has it. */
export const makeCertificate = Effect.fnUntraced(function* (name: string) {
  const authority = yield* makeCertificateAuthority("Test")
  const made = yield* issueServerCertificate(authority, { dnsNames: [name], ipAddresses: [] })
  return { certificate_pem: made.certificatePem, private_key_pem: Redacted.value(made.privateKeyPem) }
})

export const encryptedKey = Effect.sync(() =>
  generateKeyPairSync("ec", { namedCurve: "P-256" })
    .privateKey.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "secret" })
    .toString()
)
