/** An agent's state by word, sign and colour: never by colour alone. */
import { Badge } from "@mantine/core"
import type { AgentState } from "@nxmesh/protocol/model/Agent"

export const agentTones: Readonly<Record<AgentState, { readonly color: string; readonly sign: string }>> = {
  Online: { color: "green", sign: "●" },
  Degraded: { color: "orange", sign: "▲" },
  Offline: { color: "red", sign: "✗" },
  Maintenance: { color: "blue", sign: "◼" },
  Pending: { color: "gray", sign: "○" }
}

export const AgentStateBadge = ({ state }: { readonly state: AgentState }) => (
  <Badge variant="light" color={agentTones[state].color} tt="none">
    <span aria-hidden="true">{agentTones[state].sign} </span>
    {state}
  </Badge>
)
