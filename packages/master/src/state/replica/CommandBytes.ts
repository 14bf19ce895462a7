/** How commands and their outcomes stand in the log and in Raft's sessions: UTF-8 JSON, the same on every master. */
import type { Outcome, Proposal } from "@nxmesh/protocol/Command"

const text = new TextDecoder("utf-8", { fatal: true })

export const encodeProposal = (proposal: Proposal): Uint8Array => Buffer.from(JSON.stringify(proposal), "utf8")

/**
 * What was proposed was checked against its schema before. A later version may check more strictly, and must still read
 * it. Throws on what is no JSON.
 */
export const decodeProposal = (bytes: Uint8Array): Proposal => JSON.parse(text.decode(bytes)) as Proposal

export const encodeOutcome = (outcome: Outcome): Uint8Array => Buffer.from(JSON.stringify(outcome), "utf8")

/** What a command's result says, as apply on this master gave it. */
export const decodeOutcome = (bytes: Uint8Array): Outcome => JSON.parse(text.decode(bytes)) as Outcome
