/**
 * The commands of one session, from the client's side: their serials, and below which of them every answer has come. A
 * command that was given up counts as answered: a copy of it that arrives late is not executed any more.
 */
import type { SessionId } from "../node/Sessions.ts"

export class ClientSession {
  readonly id: SessionId
  private readonly open = new Set<number>()
  private next = 1
  private lowest = 1

  constructor(id: SessionId) {
    this.id = id
  }

  /** The lowest serial that waits for its answer, or the next one. */
  get acknowledged(): number {
    return this.lowest
  }

  begin(): number {
    const serial = this.next++
    this.open.add(serial)
    return serial
  }

  end(serial: number): void {
    this.open.delete(serial)
    while (this.lowest < this.next && !this.open.has(this.lowest)) this.lowest++
  }
}
