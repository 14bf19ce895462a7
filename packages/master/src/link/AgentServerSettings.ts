/** Where agents and other masters connect, and with which certificate. */
import { Context, type Effect, type Stream } from "effect"
import type { ServerCertificate } from "../cluster/ServerCertificates.ts"
import type { AllowedAddresses } from "./AllowedAddresses.ts"
import type { PeerHandler } from "./PeerHandler.ts"

export class AgentServerSettings extends Context.Service<
  AgentServerSettings,
  {
    readonly host: string
    /** 0 for any that is free. */
    readonly port: number
    /** What agents are told of the cluster's masters, as `host:port`; the ones they were configured with stay. */
    readonly masters: Effect.Effect<ReadonlyArray<string>>
    readonly certificate: Effect.Effect<ServerCertificate>
    /** Each certificate that replaces the one before. */
    readonly renewals: Stream.Stream<ServerCertificate>
    /** What other masters ask; absent where none do. */
    readonly peer?: PeerHandler
    /** From where agents may connect; absent: from everywhere. Masters may always. */
    readonly allowed?: AllowedAddresses
  }
>()("@nxmesh/master/link/AgentServerSettings") {}
