/** Certificates in bulk for benchmarks: self-signed, P-256, one per name. */
import "reflect-metadata"
import { X509CertificateGenerator } from "@peculiar/x509"
import { Effect } from "effect"

export interface KeyPair {
  readonly certificate: string
  readonly key: string
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }

const pem = (label: string, der: ArrayBuffer): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(der)
    .toString("base64")
    .replaceAll(/.{64}(?=.)/g, "$&\n")}\n-----END ${label}-----\n`

const makeOne = (name: string) =>
  Effect.promise(async (): Promise<KeyPair> => {
    const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"])
    const certificate = await X509CertificateGenerator.createSelfSigned({
      name: `CN=${name}`,
      notBefore: new Date(Date.now() - 3_600_000),
      notAfter: new Date(Date.now() + 30 * 86_400_000),
      keys,
      signingAlgorithm: algorithm,
      extensions: []
    })
    return {
      certificate: certificate.toString("pem"),
      key: pem("PRIVATE KEY", await crypto.subtle.exportKey("pkcs8", keys.privateKey))
    }
  })

export const makeCertificates = (names: ReadonlyArray<string>) => Effect.forEach(names, makeOne, { concurrency: 8 })
