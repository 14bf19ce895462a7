/** How an agent becomes known (CF-002), and how it opens each connection after that. */
import { Schema } from "effect"
import { AgentId, ClusterId, Generation, KeyId } from "../Ids.ts"
import { AgentFacts } from "../model/Agent.ts"
import { Timestamp } from "../model/Text.ts"
import { Order } from "./Directive.ts"
import { VersionRange } from "./LinkVersion.ts"

const base64 = (charactersMax: number) =>
  Schema.String.check(Schema.isPattern(/^[A-Za-z0-9+/]+={0,2}$/), Schema.isMaxLength(charactersMax))

/** The one-time token, and the key that the agent made for itself. The same token with the same key may retry. */
export const Enrolment = Schema.Struct({
  token: Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(256)),
  /** Ed25519, SPKI in base64. */
  public_key: base64(128),
  /** Ed25519 signature of `enrolmentProofText`, base64. */
  proof: base64(128),
  facts: AgentFacts
})
export type Enrolment = typeof Enrolment.Type

/** The HMAC-SHA256 key by which an agent signs, base64 of 32 bytes. It travels only inside TLS and rests only sealed. */
export const SessionKey = Schema.Struct({ key_id: KeyId, session_key: base64(64) })
export type SessionKey = typeof SessionKey.Type

export const Enrolled = Schema.Struct({
  agent_id: AgentId,
  ...SessionKey.fields,
  cluster_id: ClusterId,
  /** Where agents may connect, as `host:port`: every master of the cluster. */
  masters: Schema.Array(Schema.String)
})
export type Enrolled = typeof Enrolled.Type

/** The first signed call of a connection: what the agent is and has. */
export const Registration = Schema.Struct({
  protocol: VersionRange,
  facts: AgentFacts,
  /** Counts the agent's connections, so that masters agree on which one is the newest (design-cluster.md 16). */
  connection_epoch: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
  /** The newest directive it accepted; it refuses older ones. */
  highest_order: Schema.NullOr(Order),
  /** What its nginx was proved to serve. */
  serving: Schema.NullOr(Generation)
})
export type Registration = typeof Registration.Type

export const Registered = Schema.Struct({
  protocol: Schema.Int,
  /** Seconds between two health reports. */
  heartbeat_seconds: Schema.Int,
  server_time: Timestamp,
  cluster_epoch: Schema.Int,
  masters: Schema.Array(Schema.String)
})
export type Registered = typeof Registered.Type
