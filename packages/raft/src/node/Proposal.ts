/** A command, or the opening of a session, that waits on this node for its place in the log. */
import { encodeEnvelope, envelopeBytes } from "./Envelope.ts"
import type { SessionId } from "./Sessions.ts"
import type { Attempt } from "./Attempts.ts"

/** Who waits for the outcome. */
export interface Asker {
  readonly to: "host" | "call"
  /** A RequestId or a CallId. */
  readonly id: number
}

/** Finds the proposal when its entry comes back from the log. */
export type ProposalKey =
  | { readonly kind: "Command"; readonly session: SessionId; readonly serial: number }
  | { readonly kind: "OpenSession"; readonly nonce: string }

export interface Proposal {
  /** More than one when a client repeats what this node still has. Nobody: this node opens its own session. */
  readonly askers: Array<Asker>
  readonly deadlineMillis: number
  /** What it counts for in the bound on what waits. */
  readonly bytes: number
  /** `null`: a command of the host that the node's own session has not numbered yet. */
  key: ProposalKey | null
  /** The state machine's bytes before it has a key, the entry's bytes afterwards. */
  data: Uint8Array
  /** How often it was handed to the core. */
  attempts: number
  /** How many of these may be in somebody's log. */
  uncertain: number
  /** The last one, while its entry may still come. */
  attempt: Attempt | null
}

export const newProposal = (
  askers: Array<Asker>,
  key: ProposalKey | null,
  data: Uint8Array,
  deadlineMillis: number
): Proposal => ({
  askers,
  deadlineMillis,
  bytes: data.length,
  key,
  data,
  attempts: 0,
  uncertain: 0,
  attempt: null
})

/** Gives a command its number in the node's own session. */
export const number = (proposal: Proposal, session: SessionId, serial: number, acknowledged: number): void => {
  proposal.key = { kind: "Command", session, serial }
  proposal.data = encodeEnvelope({ kind: "Command", session, serial, acknowledged, millis: 0, data: proposal.data })
}

/** Takes it away again: the session is gone, and the command was surely not executed in it. */
export const unnumber = (proposal: Proposal): void => {
  proposal.key = null
  proposal.data = proposal.data.subarray(envelopeBytes)
  proposal.attempts = 0
  proposal.uncertain = 0
  proposal.attempt = null
}
