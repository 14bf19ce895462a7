/**
 * Everything an agent may ask of a master. The spec's `agent.proto` in Effect RPC: unary calls from the agent, and one
 * stream of directives to it. JSON on the wire, so that peers of different versions ignore each other's new fields.
 */
import { Context, Schema } from "effect"
import { Rpc, RpcGroup, RpcMiddleware } from "effect/rpc"
import { type AgentId, Generation } from "../Ids.ts"
import { ActionOutcome } from "../model/AgentAction.ts"
import { Bundle } from "../model/Bundle.ts"
import { Directive } from "./Directive.ts"
import { DriftAnswer, DriftOffer } from "./DriftOffer.ts"
import { LinkRefused } from "./LinkRefused.ts"
import { OutboxBatch, OutboxTaken } from "./OutboxBatch.ts"
import { Enrolled, Enrolment, Registered, Registration, SessionKey } from "./Registration.ts"
import { DeploymentReport, LogReport, MetricsReport } from "./Report.ts"
import { HealthReport } from "../model/Health.ts"

/** The connection that a call came on. */
export interface LinkCaller {
  /** Names the connection within this master. */
  readonly connectionId: number
  /** The agent whose key signed the calls of this connection; `null` before the first, which only `Enrol` may see. */
  readonly agentId: AgentId | null
  readonly remoteAddress: string
  /** RFC 9266 value of the connection, base64. */
  readonly channelBinding: string
}

/** Who calls: from the verified signature and the connection, never from what a client says. */
export class CurrentCaller extends Context.Service<CurrentCaller, LinkCaller>()(
  "@nxmesh/protocol/link/CurrentCaller"
) {}

/** Gives handlers the caller. The signature was checked before the call was decoded. */
export class LinkAuthentication extends RpcMiddleware.Service<LinkAuthentication, { provides: CurrentCaller }>()(
  "@nxmesh/protocol/link/LinkAuthentication",
  { error: LinkRefused }
) {}

export class AgentLink extends RpcGroup.make(
  /** Trades a token for an identity. Not signed: there is no key yet. */
  Rpc.make("Enrol", { payload: Enrolment, success: Enrolled, error: LinkRefused }),
  /** Opens the connection: comes before every call below. */
  Rpc.make("Register", { payload: Registration, success: Registered, error: LinkRefused }),
  /** What to do, for as long as the connection lasts. */
  Rpc.make("Directives", {
    payload: { have: Schema.NullOr(Generation) },
    success: Directive,
    error: LinkRefused,
    stream: true
  }),
  /** All of a bundle, for an agent that cannot apply a delta. */
  Rpc.make("FetchBundle", { payload: { generation: Generation }, success: Bundle, error: LinkRefused }),
  /** Answered when the outcomes are durable; until then the agent keeps them and sends them again. */
  Rpc.make("ReportDeployments", { payload: DeploymentReport, error: LinkRefused }),
  /** The heartbeat. */
  Rpc.make("ReportHealth", { payload: HealthReport, error: LinkRefused }),
  Rpc.make("ReportLogs", { payload: LogReport, error: LinkRefused }),
  Rpc.make("ReportMetrics", { payload: MetricsReport, error: LinkRefused }),
  /** What waited in the agent's outbox, oldest first: taken once, however often it is sent. Since version 3. */
  Rpc.make("ReportOutbox", { payload: OutboxBatch, success: OutboxTaken, error: LinkRefused }),
  /** What came of a `Perform`. Since version 3. */
  Rpc.make("ReportAction", { payload: ActionOutcome, error: LinkRefused }),
  /** Drift to become the next version. Since version 3. */
  Rpc.make("OfferDrift", { payload: DriftOffer, success: DriftAnswer, error: LinkRefused }),
  /** A new key; the one that signed this call stays valid until the next rotation. */
  Rpc.make("RotateKey", { success: SessionKey, error: LinkRefused })
).middleware(LinkAuthentication) {}
