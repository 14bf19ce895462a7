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
import { readIfExists, write } from "@nxmesh/core/file/AtomicFile"
import { listensEverywhere } from "@nxmesh/core/settings/SettingValues"
import { SealedSecret } from "@nxmesh/protocol/model/SealedSecret"
import { Clock, Context, Duration, Effect, Layer, Schedule, Schema, Stream, SubscriptionRef } from "effect"
import { Limits } from "../Limits.ts"
import { sealedPlaces, Secrets } from "../secrets/Secrets.ts"
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

/** Pure: what the certificate must name. An address that listens everywhere names nothing. */
export const serverNames = (
  { advertiseAgent, agentAddress, nodeName }: Pick<SettingsShape, "advertiseAgent" | "agentAddress" | "nodeName">,
  machineName: string
): ServerNames => {
  const hosts = ["localhost", "127.0.0.1", "::1", nodeName, machineName, agentAddress.host, advertiseAgent?.host]
  const known = [...new Set(hosts.filter((host) => host !== undefined))].filter((host) => !listensEverywhere({ host }))
  return {
    dnsNames: known.filter((host) => isIP(host) === 0),
    ipAddresses: known.filter((host) => isIP(host) !== 0)
  }
}

/** The file in the data directory: the key in it is sealed, so that a copy of the directory is no copy of the key. */
const Stored = Schema.fromJsonString(Schema.Struct({ certificate_pem: Schema.String, private_key: SealedSecret }))
const decodeStored = Schema.decodeUnknownEffect(Stored)
const encodeStored = Schema.encodeEffect(Stored)

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
        const secrets = yield* Secrets
        const file = join(options.dataDirectory, "agent-server.json")

        /** What cannot be read or opened is made anew: nothing else depends on it. */
        const stored = Effect.gen(function* () {
          const content = yield* readIfExists(file)
          if (content === null) return undefined
          const { certificate_pem, private_key } = yield* decodeStored(Buffer.from(content).toString("utf8"))
          const privateKeyPem = yield* secrets.open(private_key, sealedPlaces.serverCertificate)
          return { certificatePem: certificate_pem, privateKeyPem }
        }).pipe(
          Effect.catchTags({
            SchemaError: () => Effect.logWarning(`${file} is damaged; making another`),
            SealError: (error) => Effect.logWarning(`${file} does not open, so another is made: ${error.message}`)
          }),
          Effect.map((found) => found ?? undefined)
        )
        const issue = Effect.fnUntraced(function* () {
          const issued = yield* issueServerCertificate(authority, options.names)
          const private_key = yield* secrets.seal(issued.privateKeyPem, sealedPlaces.serverCertificate)
          yield* write(file, yield* Effect.orDie(encodeStored({ certificate_pem: issued.certificatePem, private_key })))
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
