/** Conditions that are judged by what the fleet tells: lines of access and error logs. */
import type { AlertCondition } from "@nxmesh/protocol/model/AlertCondition"
import type { AlertRule } from "@nxmesh/protocol/model/AlertRule"
import { Effect } from "effect"
import type { SeenAgent } from "./AgentFindings.ts"
import { type Findings, unjudged } from "./Findings.ts"

const kinds: ReadonlySet<AlertCondition["kind"]> = new Set(["error_log", "error_rate", "latency"])

export const isTelemetry = ({ kind }: AlertCondition): boolean => kinds.has(kind)

export const askTelemetry = (
  _rule: AlertRule,
  _agents: ReadonlyArray<SeenAgent>,
  _nowMillis: number
): Effect.Effect<Findings> => Effect.succeed(unjudged("telemetry cannot be asked yet"))
