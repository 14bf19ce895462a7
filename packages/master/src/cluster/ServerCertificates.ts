/**
 * The certificate that agents meet on 8443 and masters show each other: issued by the cluster's authority, whose sealed key
 * every master has, and renewed by itself long before it ends, or when the master's names change.
 */
import { hostname } from "node:os"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { Context, Effect, Layer, Schedule, type Stream } from "effect"
import { serverNames, type ServerNames } from "../consensus/CertificateNames.ts"
import { renewWhenDue } from "../consensus/CertificateRenewal.ts"
import { type MasterCertificate, NodeIdentity } from "../consensus/NodeIdentity.ts"
import { Limits } from "../Limits.ts"
import { Settings } from "../Settings.ts"
import { Cluster } from "./Cluster.ts"

export type ServerCertificate = MasterCertificate

const renewalSchedule = Schedule.spaced(Limits.cluster.certificateCheckInterval)

export class ServerCertificates extends Context.Service<
  ServerCertificates,
  {
    readonly current: Effect.Effect<ServerCertificate>
    /** Each certificate that replaces the one before. */
    readonly renewals: Stream.Stream<ServerCertificate>
  }
>()("@nxmesh/master/cluster/ServerCertificates") {
  static readonly layerAt = (names: ServerNames) =>
    Layer.effect(
      ServerCertificates,
      Effect.gen(function* () {
        const { authority } = yield* Cluster
        const identity = yield* NodeIdentity
        const renew = renewWhenDue(identity, authority, names)
        yield* renew
        yield* renew.pipe(
          Effect.catch((error) => Effect.logError("cannot renew this master's certificate; trying again later", error)),
          Effect.repeat(renewalSchedule),
          Effect.forkScoped
        )
        return ServerCertificates.of({ current: identity.current, renewals: identity.renewals })
      })
    ).pipe(Layer.provide(Identifiers.layer))

  /** For the names and addresses by which the settings say that this master is reached. */
  static readonly layer = Layer.unwrap(
    Effect.map(Settings, (settings) => ServerCertificates.layerAt(serverNames(settings, hostname())))
  )
}
