/** Whom an allowlist would shut out that is in: pure, so that a list is refused before it does harm. */
import type { NetworkSettings } from "@nxmesh/protocol/model/NetworkSettings"
import type { ErrorDetail } from "@nxmesh/protocol/Rejection"
import { Limits } from "../Limits.ts"
import { allowedBy } from "./AddressSet.ts"

export interface Present {
  /** Who asks for the change; `null` when no list applies to them: they are on the master's own machine. */
  readonly asker: string | null
  /** Agents, and from where each came last. */
  readonly agents: ReadonlyArray<{ readonly name: string; readonly address: string }>
}

const forced = "add a block for it, or save with force=true"

export const shutOut = (
  { agent_allowlist, api_allowlist }: Pick<NetworkSettings, "agent_allowlist" | "api_allowlist">,
  { agents, asker }: Present
): ReadonlyArray<ErrorDetail> => {
  const details: Array<ErrorDetail> = []
  if (asker !== null && !allowedBy(api_allowlist)(asker)) {
    details.push({
      field: "network.api_allowlist",
      message: `would shut you out: your address is ${asker}; ${forced}`
    })
  }
  const isAllowed = allowedBy(agent_allowlist)
  const gone = agents.filter(({ address }) => !isAllowed(address))
  if (gone.length > 0) {
    const named = gone.slice(0, Limits.network.shutOutAgentsNamedMax).map(({ address, name }) => `${name} (${address})`)
    const more = gone.length > named.length ? ` and ${gone.length - named.length} more` : ""
    details.push({
      field: "network.agent_allowlist",
      message: `would shut out ${gone.length === 1 ? "an agent" : `${gone.length} agents`}: ${named.join(", ")}${more}; ${forced}`
    })
  }
  return details
}
