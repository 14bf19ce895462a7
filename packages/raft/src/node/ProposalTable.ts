/** Proposals that wait, found by what their entry carries. A command costs one look-up, whatever else waits. */
import type { Entry } from "../core/Types.ts"
import { decodeEnvelope } from "./Envelope.ts"
import type { Envelope } from "./Envelope.ts"
import type { Proposal, ProposalKey } from "./Proposal.ts"
import type { SessionId } from "./Sessions.ts"

export class ProposalTable {
  /** By session, then by serial. */
  private readonly commands = new Map<SessionId, Map<number, Proposal>>()
  /** By nonce. */
  private readonly openings = new Map<string, Proposal>()

  add(key: ProposalKey, proposal: Proposal): void {
    if (key.kind === "OpenSession") this.openings.set(key.nonce, proposal)
    else {
      const ofSession = this.commands.get(key.session)
      if (ofSession === undefined) this.commands.set(key.session, new Map([[key.serial, proposal]]))
      else ofSession.set(key.serial, proposal)
    }
  }

  get(key: ProposalKey | Envelope): Proposal | undefined {
    return key.kind === "OpenSession" ? this.openings.get(key.nonce) : this.commands.get(key.session)?.get(key.serial)
  }

  remove(key: ProposalKey): void {
    if (key.kind === "OpenSession") this.openings.delete(key.nonce)
    else {
      const ofSession = this.commands.get(key.session)
      ofSession?.delete(key.serial)
      if (ofSession?.size === 0) this.commands.delete(key.session)
    }
  }

  /** Whose entry this is; most entries of a follower are nobody's here. */
  ofEntry(entry: Entry): Proposal | undefined {
    if (entry.kind !== "Command" || (this.commands.size === 0 && this.openings.size === 0)) return undefined
    const envelope = decodeEnvelope(entry.data)
    return envelope === null ? undefined : this.get(envelope)
  }

  /** The lowest serial of a session that waits; serials are added in ascending order. */
  lowestSerial(session: SessionId): number | null {
    return this.commands.get(session)?.keys().next().value ?? null
  }

  *all(): Generator<Proposal> {
    yield* this.openings.values()
    for (const ofSession of this.commands.values()) yield* ofSession.values()
  }
}
