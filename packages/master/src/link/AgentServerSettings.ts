/** Where agents connect, and with which certificate. */
import type { KeyedCertificate } from "@nxmesh/core/crypto/CertificateAuthority"
import { Context, type Effect, type Stream } from "effect"

export interface ServerCertificate extends KeyedCertificate {
  /** Follows the server's own in the chain, so that an agent that pins it can find it. */
  readonly authorityPem: string
}

export class AgentServerSettings extends Context.Service<
  AgentServerSettings,
  {
    readonly host: string
    /** 0 for any that is free. */
    readonly port: number
    /** What agents are told of the cluster's masters, as `host:port`. */
    readonly masters: ReadonlyArray<string>
    readonly certificate: Effect.Effect<ServerCertificate>
    /** Each certificate that replaces the one before. */
    readonly renewals: Stream.Stream<ServerCertificate>
  }
>()("@nxmesh/master/link/AgentServerSettings") {}
