/**
 * The certificate that agents meet on 8443: issued by the cluster's authority, kept in the data directory, and renewed
 * by itself long before it ends, or when the master's names change.
 */
import { X509Certificate } from "node:crypto"
import { isIP } from "node:net"
import { hostname } from "node:os"
import { join } from "node:path"
import { issueServerCertificate, type KeyedCertificate } from "@nxmesh/core/crypto/CertificateAuthority"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { pemBlocks } from "@nxmesh/core/crypto/PemBlocks"
import { readPrivateFile } from "@nxmesh/core/crypto/PrivateFile"
import { write } from "@nxmesh/core/file/AtomicFile"
import { Clock, Context, Duration, Effect, Layer, Redacted, Schedule, Stream, SubscriptionRef } from "effect"
import { Limits } from "../Limits.ts"
import { Settings, type SettingsShape } from "../Settings.ts"
import { Cluster } from "./Cluster.ts"

export interface ServerCertificate extends KeyedCertificate {
  /** Follows the server's own in the chain, so that an agent that pins it finds it. */
  readonly authorityPem: string
}

export interface ServerNames {
  readonly dnsNames: ReadonlyArray<string>
  readonly ipAddresses: ReadonlyArray<string>
}

const renewalSchedule = Schedule.spaced(Limits.cluster.certificateCheckInterval)

/** Pure: whether a stored certificate still serves these names, comes from this authority and has time left. */
export const isUsable = (
  { certificatePem }: KeyedCertificate,
  authorityPem: string,
  { dnsNames, ipAddresses }: ServerNames,
  nowMillis: number
): boolean => {
  const certificate = new X509Certificate(certificatePem)
  const renewAtMillis = certificate.validToDate.getTime() - Duration.toMillis(Limits.cluster.certificateRenewal)
  return (
    nowMillis < renewAtMillis &&
    certificate.verify(new X509Certificate(authorityPem).publicKey) &&
    dnsNames.every((name) => certificate.checkHost(name) !== undefined) &&
    ipAddresses.every((address) => certificate.checkIP(address) !== undefined)
  )
}

const everyAddress = new Set(["0.0.0.0", "::"])

/** Pure: what the certificate must name. An address that listens everywhere names nothing. */
export const serverNames = (
  { advertiseAgent, agentAddress, nodeName }: Pick<SettingsShape, "advertiseAgent" | "agentAddress" | "nodeName">,
  machineName: string
): ServerNames => {
  const hosts = ["localhost", "127.0.0.1", "::1", nodeName, machineName, agentAddress.host, advertiseAgent?.host]
  const known = [...new Set(hosts.filter((host) => host !== undefined))].filter((host) => !everyAddress.has(host))
  return {
    dnsNames: known.filter((host) => isIP(host) === 0),
    ipAddresses: known.filter((host) => isIP(host) !== 0)
  }
}

/** The stored file holds certificate and key; what cannot be read is made anew. */
const parseStored = (text: string): KeyedCertificate | undefined => {
  const [certificate, key] = pemBlocks(text)
  if (certificate?.label !== "CERTIFICATE" || key?.label !== "PRIVATE KEY") return undefined
  return { certificatePem: `${certificate.text}\n`, privateKeyPem: Redacted.make(`${key.text}\n`) }
}

export class ServerCertificates extends Context.Service<
  ServerCertificates,
  {
    readonly current: Effect.Effect<ServerCertificate>
    /** Each certificate that replaces the one before. */
    readonly renewals: Stream.Stream<ServerCertificate>
  }
>()("@nxmesh/master/cluster/ServerCertificates") {
  static readonly layerAt = (options: { readonly dataDirectory: string; readonly names: ServerNames }) =>
    Layer.effect(
      ServerCertificates,
      Effect.gen(function* () {
        const { authority } = yield* Cluster
        const file = join(options.dataDirectory, "agent-server.pem")

        const stored = readPrivateFile(file).pipe(
          Effect.map((content) => parseStored(Buffer.from(content).toString("utf8"))),
          Effect.catchIf(
            (error) => error.reason === "NotFound",
            () => Effect.succeed(undefined)
          )
        )
        const issue = Effect.fnUntraced(function* () {
          const issued = yield* issueServerCertificate(authority, options.names)
          yield* write(file, issued.certificatePem + Redacted.value(issued.privateKeyPem))
          yield* Effect.logInfo("issued a server certificate for agents", {
            names: [...options.names.dnsNames, ...options.names.ipAddresses],
            expires_at: new Date(issued.expiresAtMillis).toISOString()
          })
          return issued
        })
        const withAuthority = ({ certificatePem, privateKeyPem }: KeyedCertificate): ServerCertificate => ({
          certificatePem,
          privateKeyPem,
          authorityPem: authority.certificatePem
        })
        const usable = Effect.fnUntraced(function* (certificate: KeyedCertificate) {
          return isUsable(certificate, authority.certificatePem, options.names, yield* Clock.currentTimeMillis)
        })

        const found = yield* stored
        const first = found !== undefined && (yield* usable(found)) ? found : yield* issue()
        const current = yield* SubscriptionRef.make(withAuthority(first))

        const renewWhenDue = Effect.gen(function* () {
          if (yield* usable(yield* SubscriptionRef.get(current))) return
          yield* SubscriptionRef.set(current, withAuthority(yield* issue()))
        }).pipe(
          Effect.catch((error) => Effect.logError("cannot renew the server certificate; trying again later", error))
        )
        yield* renewWhenDue.pipe(Effect.repeat(renewalSchedule), Effect.forkScoped)

        return ServerCertificates.of({
          current: SubscriptionRef.get(current),
          renewals: SubscriptionRef.changes(current).pipe(Stream.drop(1))
        })
      })
    ).pipe(Layer.provide(Identifiers.layer))

  /** For the names and addresses by which the settings say that agents reach this master. */
  static readonly layer = Layer.unwrap(
    Effect.map(Settings, (settings) =>
      ServerCertificates.layerAt({ dataDirectory: settings.dataDirectory, names: serverNames(settings, hostname()) })
    )
  )
}
