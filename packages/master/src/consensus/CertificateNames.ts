/** What a master's certificate names: where agents and masters reach it, and which node of Raft it is. */
import { isIP } from "node:net"
import { listensEverywhere } from "@nxmesh/core/settings/SettingValues"
import type { MasterId } from "@nxmesh/protocol/Ids"
import { certificateName } from "@nxmesh/raft/transport/tcp/Tls"
import type { SettingsShape } from "../Settings.ts"

export interface ServerNames {
  readonly dnsNames: ReadonlyArray<string>
  readonly ipAddresses: ReadonlyArray<string>
}

type NamingSettings = Pick<
  SettingsShape,
  "advertiseAgent" | "advertisePeer" | "agentAddress" | "nodeName" | "peerAddress"
>

/** Pure: an address that listens everywhere names nothing. */
export const serverNames = (settings: NamingSettings, machineName: string): ServerNames => {
  const { advertiseAgent, advertisePeer, agentAddress, nodeName, peerAddress } = settings
  const addresses = [agentAddress, advertiseAgent, peerAddress, advertisePeer].map((address) => address?.host)
  const hosts = ["localhost", "127.0.0.1", "::1", nodeName, machineName, ...addresses]
  const known = [...new Set(hosts.filter((host) => host !== undefined))].filter((host) => !listensEverywhere({ host }))
  return {
    dnsNames: known.filter((host) => isIP(host) === 0),
    ipAddresses: known.filter((host) => isIP(host) !== 0)
  }
}

/** By which Raft, and masters that call each other, know whose certificate it is. */
export const masterUri = (id: MasterId): string => certificateName("peer", id)
