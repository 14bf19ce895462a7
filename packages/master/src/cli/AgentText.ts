/** Agents and what was asked of them, as people read it. Pure. */
import type { ActionRecord } from "@nxmesh/protocol/model/ActionRecord"
import type { Agent } from "@nxmesh/protocol/model/Agent"
import type { AgentPolicy, AgentPolicyChoice } from "@nxmesh/protocol/model/AgentPolicy"
import type { Deployment, DeploymentError } from "@nxmesh/protocol/model/Deployment"
import { printable, table } from "./Table.ts"

const labelsText = (labels: Agent["labels"]): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(",") || "-"

/** Enough of a hash to tell two apart. */
const short = (generation: string | null): string => (generation === null ? "-" : generation.slice(0, 12))

const serves = ({ desired_generation, serving_generation }: Agent): string =>
  serving_generation === null ? "nothing yet" : desired_generation === serving_generation ? "as it should" : "older"

export const agentsText = (agents: ReadonlyArray<Agent>): string =>
  agents.length === 0
    ? "there are no such agents"
    : [
        table(
          ["NAME", "STATE", "SERVES", "NGINX", "ADDRESS", "LABELS", "ID"],
          agents.map((agent) => [
            agent.name,
            agent.state,
            serves(agent),
            agent.nginx_version ?? "-",
            agent.ip_address ?? "-",
            labelsText(agent.labels),
            agent.id
          ])
        ),
        ...agents.flatMap(({ name, state_reason }) =>
          state_reason === null ? [] : [printable(`${name}: ${state_reason}`)]
        )
      ].join("\n")

/** nginx's own words, and where. */
export const errorText = ({ file, line, message, resource }: DeploymentError): string =>
  [
    resource === null ? null : `${resource.kind} "${resource.name}": `,
    message,
    file === null ? null : line === null ? ` (${file})` : ` (${file}:${line})`
  ].join("")

const names: ReadonlyArray<keyof AgentPolicy> = [
  "drift",
  "bad_object",
  "report_interval_seconds",
  "access_log_sample_ratio"
]

export const policyText = ({
  effective_policy,
  policy
}: {
  readonly effective_policy: AgentPolicy
  readonly policy: AgentPolicyChoice
}): string =>
  table(
    ["POLICY", "VALUE", "CHOSEN"],
    names.map((name) => [name, String(effective_policy[name]), name in policy ? "for this agent" : "above it"])
  )

const deploymentsText = (deployments: ReadonlyArray<Deployment>): string =>
  table(
    ["DEPLOYMENT", "STATUS", "FINISHED", "GENERATION"],
    deployments.map(({ finished_at, generation, id, status }) => [id, status, finished_at, short(generation)])
  )

export const actionText = ({ action, message }: Pick<ActionRecord, "action" | "message">): string =>
  printable(`${action}: ${message ?? "not answered yet"}`)

const actionsText = (actions: ReadonlyArray<ActionRecord>): string =>
  table(
    ["ACTION", "STATUS", "ASKED", "MESSAGE", "ID"],
    actions.map(({ action, id, message, requested_at, status }) => [action, status, requested_at, message ?? "-", id])
  )

/** What it reported last that somebody should look at. */
const troubles = ({ health, quarantined }: Agent): ReadonlyArray<readonly [string, string]> => [
  ...(health?.alerts ?? []).map(({ message, severity }) => [severity, message] as const),
  ...(health?.drift?.files ?? []).map(
    ({ kind, path }) => ["drift", `${kind} ${path}, ${health?.drift?.response} (${health?.drift?.found_at})`] as const
  ),
  ...quarantined.map((error) => ["left out", errorText(error)] as const)
]

export interface AgentDetails {
  readonly agent: Agent
  readonly deployments: ReadonlyArray<Deployment>
  readonly actions: ReadonlyArray<ActionRecord>
}

export const agentText = ({ actions, agent, deployments }: AgentDetails): string => {
  const facts: ReadonlyArray<readonly [string, string]> = [
    ["agent", `${agent.name} (${agent.id})`],
    ["state", agent.state_reason === null ? agent.state : `${agent.state}: ${agent.state_reason}`],
    ["machine", `${agent.hostname ?? "-"}, ${agent.ip_address ?? "-"}, ${agent.deployment_mode ?? "-"}`],
    ["versions", `agent ${agent.version ?? "-"}, nginx ${agent.nginx_version ?? "-"}`],
    ["labels", labelsText(agent.labels)],
    ["generation", `serves ${short(agent.serving_generation)}, should serve ${short(agent.desired_generation)}`],
    ["last seen", agent.last_seen_at ?? "never"]
  ]
  return [
    ...[...facts, ...troubles(agent)].map(([name, value]) => printable(`${name.padEnd(12)} ${value}`)),
    "",
    policyText(agent),
    ...(deployments.length === 0 ? [] : ["", deploymentsText(deployments)]),
    ...(actions.length === 0 ? [] : ["", actionsText(actions)])
  ].join("\n")
}
