/**
 * What masters ask each other, under `/peer/v1` of the agent address. A master shows its certificate with every call but
 * those by which it asks to be let in.
 */
import { Context } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiMiddleware } from "effect/http-api"
import { AgentId, type MasterId } from "../Ids.ts"
import { AgentMessage, AgentReply, PresenceAnswer, PresenceQuestion } from "./AgentMessage.ts"
import { FormingAnswer, FormingQuestion } from "./Forming.ts"
import { JoinAccepted, JoinPayload, ReplacePayload } from "./Joining.ts"
import { PeerRefused, PeerUnavailable } from "./PeerRefused.ts"
import { PeerStatus } from "./PeerStatus.ts"
import { PeerTelemetryAnswer, PeerTelemetryQuestion } from "./TelemetryQuestion.ts"

export const peerPath = "/peer/v1"

const errors = [PeerRefused, PeerUnavailable] as const

/** The master that asks, by its certificate. */
export class CallingMaster extends Context.Service<CallingMaster, { readonly id: MasterId }>()(
  "@nxmesh/protocol/peer/CallingMaster"
) {}

/** Takes the caller's identity from the certificate of its connection, and refuses who is no member. */
export class PeerIdentity extends HttpApiMiddleware.Service<PeerIdentity, { provides: CallingMaster }>()(
  "@nxmesh/protocol/peer/PeerIdentity",
  { error: [PeerRefused, PeerUnavailable] }
) {}

export class JoinApi extends HttpApiGroup.make("join").add(
  HttpApiEndpoint.post("join", "/join", { payload: JoinPayload, success: JoinAccepted, error: errors }),
  /** By the certificate of the member whose place is taken. */
  HttpApiEndpoint.post("replace", "/replace", { payload: ReplacePayload, success: JoinAccepted, error: errors })
) {}

/** Who else has no cluster yet, and who has one: asked by masters that form one by themselves. */
export class FormingApi extends HttpApiGroup.make("forming").add(
  HttpApiEndpoint.post("ask", "/forming", { payload: FormingQuestion, success: FormingAnswer, error: errors })
) {}

export class StatusApi extends HttpApiGroup.make("status")
  .add(HttpApiEndpoint.get("status", "/status", { success: PeerStatus, error: errors }))
  .middleware(PeerIdentity) {}

/** What masters say to each other about the agents that are connected to them. */
export class AgentMessagesApi extends HttpApiGroup.make("agents")
  .add(
    /** To the session of an agent that is connected to the master that is asked. */
    HttpApiEndpoint.post("message", "/agents/:id/messages", {
      params: { id: AgentId },
      payload: AgentMessage,
      success: AgentReply,
      error: errors
    }),
    HttpApiEndpoint.post("presence", "/presence", {
      payload: PresenceQuestion,
      success: PresenceAnswer,
      error: errors
    })
  )
  .middleware(PeerIdentity) {}

/** What this master's agents told: health, metrics, logs, events. */
export class TelemetryPeerApi extends HttpApiGroup.make("telemetry")
  .add(
    HttpApiEndpoint.post("ask", "/telemetry", {
      payload: PeerTelemetryQuestion,
      success: PeerTelemetryAnswer,
      error: errors
    })
  )
  .middleware(PeerIdentity) {}

export class PeerApi extends HttpApi.make("nxmesh-peer")
  .add(JoinApi, FormingApi, StatusApi, AgentMessagesApi, TelemetryPeerApi)
  .prefix(peerPath)
  .annotate(HttpApi.PayloadParseOptions, { errors: "all" }) {}

/** All that a master without a cluster answers. */
export class UnformedApi extends HttpApi.make("nxmesh-unformed").add(FormingApi).prefix(peerPath) {}
