/** Where agents connect, and with which certificate. */
import { Context, Effect, Layer, type Stream } from "effect"
import { type ServerCertificate, ServerCertificates } from "../cluster/ServerCertificates.ts"
import { Settings } from "../Settings.ts"

export class AgentServerSettings extends Context.Service<
  AgentServerSettings,
  {
    readonly host: string
    /** 0 for any that is free. */
    readonly port: number
    /** What agents are told of the cluster's masters, as `host:port`; the ones they were configured with stay. */
    readonly masters: ReadonlyArray<string>
    readonly certificate: Effect.Effect<ServerCertificate>
    /** Each certificate that replaces the one before. */
    readonly renewals: Stream.Stream<ServerCertificate>
  }
>()("@nxmesh/master/link/AgentServerSettings") {
  static readonly layer = Layer.effect(
    AgentServerSettings,
    Effect.gen(function* () {
      const { advertiseAgent, agentAddress } = yield* Settings
      const certificates = yield* ServerCertificates
      return AgentServerSettings.of({
        ...agentAddress,
        masters: advertiseAgent === null ? [] : [addressText(advertiseAgent)],
        certificate: certificates.current,
        renewals: certificates.renewals
      })
    })
  )
}

const addressText = ({ host, port }: { readonly host: string; readonly port: number }): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`
