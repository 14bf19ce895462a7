/** What a master says of itself to the others, from its settings. */
import { type Address, addressText, listensEverywhere } from "@nxmesh/core/settings/SettingValues"
import { clusterVersions } from "@nxmesh/protocol/ClusterVersion"
import type { MasterId } from "@nxmesh/protocol/Ids"
import type { MasterDescription } from "@nxmesh/protocol/model/Master"
import type { SettingsShape } from "../Settings.ts"
import { version } from "../Version.ts"

type AddressSettings = Pick<
  SettingsShape,
  "advertiseAgent" | "advertiseHttp" | "advertisePeer" | "agentAddress" | "httpAddress" | "peerAddress"
>

/** The ports that the system chose, where the settings left it to the system. */
export interface ListeningPorts {
  readonly agent?: number
  readonly http?: number
  readonly peer?: number
}

const reached = (advertised: Address | null, listening: Address, port: number | undefined): string =>
  addressText(advertised ?? (listening.port === 0 && port !== undefined ? { ...listening, port } : listening))

/** Pure. An address that listens everywhere stays as it is: nobody else needs to reach a single master by it. */
export const describeMaster = (
  settings: AddressSettings & Pick<SettingsShape, "nodeName">,
  id: MasterId,
  ports: ListeningPorts = {}
): MasterDescription => ({
  id,
  name: settings.nodeName,
  peer_address: reached(settings.advertisePeer, settings.peerAddress, ports.peer),
  agent_address: reached(settings.advertiseAgent, settings.agentAddress, ports.agent),
  http_address: reached(settings.advertiseHttp, settings.httpAddress, ports.http),
  version,
  cluster_versions: clusterVersions
})

/** Pure: why other masters could not reach this one by its settings; `null`: they can. */
export const unreachableBecause = ({
  advertiseAgent,
  advertisePeer,
  agentAddress,
  peerAddress
}: AddressSettings): string | null => {
  const named = (address: Address) => !listensEverywhere(address) && address.port !== 0
  const problem = (variable: string, listening: Address) =>
    `${addressText(listening)} does not say where other masters reach this one: set ${variable} to its host:port`
  if (!named(advertisePeer ?? peerAddress)) return problem("NXMESH_ADVERTISE_PEER", advertisePeer ?? peerAddress)
  if (!named(advertiseAgent ?? agentAddress)) return problem("NXMESH_ADVERTISE_AGENT", advertiseAgent ?? agentAddress)
  return null
}
