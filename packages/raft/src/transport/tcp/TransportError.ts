import { Data } from "effect"

export type TransportReason =
  /** The other side belongs to another cluster, is another node than was asked for, or speaks another version. */
  | "OtherCluster"
  | "OtherNode"
  | "OtherVersion"
  /** Its certificate does not say what its hello says. */
  | "WrongIdentity"
  /** Without TLS nodes speak on loopback only. */
  | "Plaintext"
  | "TooManyClients"
  /** Nothing was heard for too long, or no hello came in time. */
  | "Silent"
  | "Malformed"
  /** The system or TLS says why. */
  | "Network"

/** Why a connection was refused or ended, or the port cannot be opened. What can be tried again is, without being asked. */
export class TransportError extends Data.TaggedError("TransportError")<{
  readonly reason: TransportReason
  /** For the operator: what happened and what to do. */
  readonly message: string
  readonly cause?: unknown
}> {}

export const networkError = (what: string, cause: unknown): TransportError =>
  new TransportError({
    reason: "Network",
    message: `${what}: ${cause instanceof Error ? cause.message : String(cause)}`,
    cause
  })
