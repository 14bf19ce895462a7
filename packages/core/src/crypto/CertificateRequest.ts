/**
 * A request for a certificate (PKCS #10, RFC 2986): the new key stays where it was made, and the authority learns the
 * public half with a signature by the private one. Names are the authority's to decide, so the request carries none.
 */
import "reflect-metadata"
import { webcrypto } from "node:crypto"
import * as x509 from "@peculiar/x509"
import { Data, Effect, Redacted } from "effect"

export class CertificateRequestError extends Data.TaggedError("CertificateRequestError")<{
  readonly message: string
  readonly cause?: unknown
}> {}

export interface CertificateRequest {
  readonly requestPem: string
  /** SPKI (RFC 5280, 4.1.2.7) in base64: names the key. */
  readonly publicKey: string
}

const keyAlgorithm = { name: "ECDSA", namedCurve: "P-256" } as const
const signingAlgorithm = { name: "ECDSA", hash: "SHA-256" } as const
const importable: webcrypto.EcKeyImportParams = keyAlgorithm

const spki = (key: x509.PublicKey): string => Buffer.from(key.rawData).toString("base64")

const requestFor = async (keys: webcrypto.CryptoKeyPair): Promise<CertificateRequest> => {
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: "CN=nxmesh-master",
    keys,
    signingAlgorithm
  })
  return { requestPem: request.toString("pem"), publicKey: spki(request.publicKey) }
}

const failed = (doing: string) => (cause: unknown) =>
  new CertificateRequestError({
    message: `cannot ${doing}: ${cause instanceof Error ? cause.message : String(cause)}`,
    cause
  })

const publicOf = async (privateKey: webcrypto.CryptoKey): Promise<webcrypto.CryptoKey> => {
  const { d: _private, key_ops: _operations, ...publicPart } = await webcrypto.subtle.exportKey("jwk", privateKey)
  return webcrypto.subtle.importKey("jwk", publicPart, importable, true, ["verify"])
}

/** The request for a P-256 key in PKCS #8. A retry asks with the same key. */
export const certificateRequestFor = (
  privateKeyPem: Redacted.Redacted<string>
): Effect.Effect<CertificateRequest, CertificateRequestError> =>
  Effect.tryPromise({
    try: async () => {
      const der = x509.PemConverter.decodeFirst(Redacted.value(privateKeyPem))
      const privateKey = await webcrypto.subtle.importKey("pkcs8", der, importable, true, ["sign"])
      return requestFor({ privateKey, publicKey: await publicOf(privateKey) })
    },
    catch: failed("make a certificate request for the key")
  })

export interface ReadCertificateRequest {
  readonly publicKey: string
  /** For `certifyKey` of the authority. */
  readonly key: x509.PublicKey
}

/** Reads a request, and checks that its sender holds the private key. Only P-256 keys are taken. */
export const readCertificateRequest = (
  requestPem: string
): Effect.Effect<ReadCertificateRequest, CertificateRequestError> =>
  Effect.tryPromise({
    try: async () => {
      const request = new x509.Pkcs10CertificateRequest(requestPem)
      const { algorithm } = request.publicKey
      const curve = "namedCurve" in algorithm ? algorithm.namedCurve : undefined
      if (curve !== keyAlgorithm.namedCurve) throw new Error("its key is not on the curve P-256")
      if (!(await request.verify())) throw new Error("its signature is not by its own key")
      return { publicKey: spki(request.publicKey), key: request.publicKey }
    },
    catch: failed("read the certificate request")
  })
