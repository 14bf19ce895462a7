/** Why an agent's bundle cannot be made. */
import type { AgentId, CertificateId } from "@nxmesh/protocol/Ids"
import { Data } from "effect"

export class AgentNotFound extends Data.TaggedError("AgentNotFound")<{ readonly agentId: AgentId }> {
  override get message() {
    return `agent ${this.agentId} does not exist`
  }
}

/** A certificate's key was sealed with another key file, or its ciphertext was changed. */
export class KeyUnreadable extends Data.TaggedError("KeyUnreadable")<{
  readonly certificateId: CertificateId
  readonly name: string
  readonly cause: unknown
}> {
  override get message() {
    return `the private key of certificate "${this.name}" (${this.certificateId}) cannot be opened: start the master with the key file that sealed it, or upload certificate and key again`
  }
}

export class BundleError extends Data.TaggedError("BundleError")<{ readonly reason: AgentNotFound | KeyUnreadable }> {
  override get message() {
    return this.reason.message
  }
}
