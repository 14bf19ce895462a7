/** What the address of the list of agents asks for. What is not understood is left out. */
import { AgentState } from "@nxmesh/protocol/model/Agent"

export interface AgentsSearch {
  readonly state?: AgentState
  readonly name?: string
  readonly labels?: string
  readonly page?: number
}

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined)

export const readAgentsSearch = (search: Record<string, unknown>): AgentsSearch => {
  const state = AgentState.literals.find((one) => one === search["state"])
  const name = text(search["name"])
  const labels = text(search["labels"])
  const page = Number(search["page"])
  return {
    ...(state === undefined ? {} : { state }),
    ...(name === undefined ? {} : { name }),
    ...(labels === undefined ? {} : { labels }),
    ...(Number.isInteger(page) && page > 1 ? { page } : {})
  }
}
