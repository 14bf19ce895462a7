/** An authority for one run, and certificates that name members and clients as the transport wants them, for both systems. */
import "reflect-metadata"
import * as x509 from "@peculiar/x509"
import type { webcrypto } from "node:crypto"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { TlsIdentity } from "./Endpoint.ts"

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }
const validity = () => ({
  notBefore: new Date(Date.now() - 3_600_000),
  notAfter: new Date(Date.now() + 86_400_000)
})

const generateKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  crypto.subtle.generateKey(algorithm, true, ["sign", "verify"])

const privateKeyPem = async (keys: webcrypto.CryptoKeyPair): Promise<string> =>
  x509.PemConverter.encode(await crypto.subtle.exportKey("pkcs8", keys.privateKey), "PRIVATE KEY")

export interface Authority {
  readonly certificate: x509.X509Certificate
  readonly keys: webcrypto.CryptoKeyPair
}

export const makeAuthority = async (): Promise<Authority> => {
  const keys = await generateKeys()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(),
    name: "CN=bench",
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true)
    ]
  })
  return { certificate, keys }
}

/** `uri` is the identity; the address is for etcd, which checks it. */
export const issue = async (authority: Authority, uri: string): Promise<TlsIdentity> => {
  const keys = await generateKeys()
  const certificate = await x509.X509CertificateGenerator.create({
    ...validity(),
    subject: `CN=${uri}`,
    issuer: authority.certificate.subject,
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: authority.keys.privateKey,
    extensions: [
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      new x509.SubjectAlternativeNameExtension([
        { type: "url", value: uri },
        { type: "dns", value: "localhost" },
        { type: "ip", value: "127.0.0.1" }
      ])
    ]
  })
  return {
    ca: authority.certificate.toString("pem"),
    cert: certificate.toString("pem"),
    key: await privateKeyPem(keys)
  }
}

export interface TlsPaths {
  readonly ca: string
  readonly cert: string
  readonly key: string
}

export const writeIdentity = (directory: string, { ca, cert, key }: TlsIdentity): TlsPaths => {
  mkdirSync(directory, { recursive: true })
  const paths = { ca: join(directory, "ca.pem"), cert: join(directory, "cert.pem"), key: join(directory, "key.pem") }
  writeFileSync(paths.ca, ca)
  writeFileSync(paths.cert, cert)
  writeFileSync(paths.key, key, { mode: 0o600 })
  return paths
}
