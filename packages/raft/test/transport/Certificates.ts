/** Authorities and certificates for tests of TLS, made anew for each run. */
import "reflect-metadata"
import { webcrypto } from "node:crypto"
import * as x509 from "@peculiar/x509"
import type { TlsIdentity } from "@nxmesh/raft/transport/tcp/Tls"

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const
const valid = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 3_600_000) }

const generateKeys = () => webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"])

export class Authority {
  readonly pem: string
  private readonly certificate: x509.X509Certificate
  private readonly keys: webcrypto.CryptoKeyPair

  private constructor(certificate: x509.X509Certificate, keys: webcrypto.CryptoKeyPair) {
    this.certificate = certificate
    this.keys = keys
    this.pem = `${certificate.toString("pem")}\n`
  }

  static async make(name: string): Promise<Authority> {
    const keys = await generateKeys()
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      ...valid,
      name: `CN=${name}`,
      signingAlgorithm: algorithm,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true)
      ]
    })
    return new Authority(certificate, keys)
  }

  /** A certificate with this URI, for somebody who accepts these authorities. */
  async issue(uri: string, accepted: ReadonlyArray<Authority> = [this]): Promise<TlsIdentity> {
    const keys = await generateKeys()
    const certificate = await x509.X509CertificateGenerator.create({
      ...valid,
      subject: "CN=test",
      issuer: this.certificate.subject,
      signingAlgorithm: algorithm,
      publicKey: keys.publicKey,
      signingKey: this.keys.privateKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.SubjectAlternativeNameExtension([{ type: "url", value: uri }])
      ]
    })
    const key = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)
    return {
      certificatePem: `${certificate.toString("pem")}\n`,
      privateKeyPem: x509.PemConverter.encode(key, x509.PemConverter.PrivateKeyTag),
      authoritiesPem: accepted.map(({ pem }) => pem).join("")
    }
  }
}
