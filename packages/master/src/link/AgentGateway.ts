/** What the link needs of the rest of the master to serve a registered agent: its session and its bundle. */
import type { AgentId, Generation } from "@nxmesh/protocol/Ids"
import type { Directive } from "@nxmesh/protocol/link/Directive"
import type { LinkRefused } from "@nxmesh/protocol/link/LinkRefused"
import type { Registration } from "@nxmesh/protocol/link/Registration"
import type { DeploymentReport, LogReport, MetricsReport } from "@nxmesh/protocol/link/Report"
import type { HealthReport } from "@nxmesh/protocol/model/Health"
import type { ActionOutcome } from "@nxmesh/protocol/model/AgentAction"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import { type Cause, Context, type Effect, type Queue, type Scope } from "effect"

export interface AgentConnectRequest {
  readonly agentId: AgentId
  readonly registration: Registration
  /** The version of the link that both sides speak. */
  readonly protocol: number
  readonly remoteAddress: string
  /** Ends the connection under the session: the agent has a newer one, or was told to go and stays. */
  readonly close: (why: "superseded" | "elsewhere") => void
}

/** An agent's side of its session, for as long as the scope of `connect` lasts. */
export interface AgentConnection {
  readonly clusterEpoch: number
  /** Between two health reports of the agent. */
  readonly heartbeatSeconds: number
  /** What to do, until it ends. `have` is what the agent can take a delta against. */
  readonly directives: (have: Generation | null) => Effect.Effect<Queue.Dequeue<Directive, Cause.Done>>
  /** Says Goodbye, which is the last directive. */
  readonly dismiss: (reason: string) => Effect.Effect<void>
  /** Succeeds when the outcomes are durable. */
  readonly reportDeployments: (report: DeploymentReport) => Effect.Effect<void, LinkRefused>
  readonly reportHealth: (report: HealthReport) => Effect.Effect<void>
  readonly reportAction: (outcome: ActionOutcome) => Effect.Effect<void>
  readonly reportLogs: (report: LogReport) => Effect.Effect<void>
  readonly reportMetrics: (report: MetricsReport) => Effect.Effect<void>
}

export class AgentGateway extends Context.Service<
  AgentGateway,
  {
    readonly connect: (request: AgentConnectRequest) => Effect.Effect<AgentConnection, LinkRefused, Scope.Scope>
    readonly bundle: (agentId: AgentId, generation: Generation) => Effect.Effect<Bundle, LinkRefused>
  }
>()("@nxmesh/master/link/AgentGateway") {}
