/** A policy as it is stored: where nothing is chosen there is none, so that a cluster below version 3 takes the rest. */
import type { AgentPolicyChoice } from "@nxmesh/protocol/model/AgentPolicy"
import type { Workspace } from "@nxmesh/protocol/model/Organization"
import { Effect } from "effect"

const isNothing = (choice: AgentPolicyChoice): boolean => Object.keys(choice).length === 0

export const chosenForAgent = <A extends { readonly policy?: AgentPolicyChoice }>({ policy, ...agent }: A) =>
  policy === undefined || isNothing(policy) ? agent : { ...agent, policy }

export const chosenForWorkspace = <A extends { readonly agent_policy?: AgentPolicyChoice }>({
  agent_policy,
  ...workspace
}: A) => (agent_policy === undefined || isNothing(agent_policy) ? workspace : { ...workspace, agent_policy })

export const workspaceView = (workspace: Workspace) => Effect.succeed({ agent_policy: {}, ...workspace })
