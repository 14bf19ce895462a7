/**
 * What may close the way for changes: while the disks have no room for them (design-cluster.md 20), or while nobody knows
 * which master's state is right (12). `Commands` asks before it proposes; who watches closes and opens. Open unless somebody
 * closed it.
 */
import type { CommandTag } from "@nxmesh/protocol/Command"
import { Context, Data, Effect, Layer } from "effect"

/** Nothing was done. What passes, so that an operator can mend it, is the gate's to say. */
export class WritesRefused extends Data.TaggedError("WritesRefused")<{ readonly reason: string }> {
  override get message() {
    return `changes are refused: ${this.reason}`
  }
}

/** Why a command of this kind is refused; `null`: it is not. */
export type Gate = (tag: CommandTag) => WritesRefused | null

export class WriteGate extends Context.Service<
  WriteGate,
  {
    readonly refusal: (tag: CommandTag) => Effect.Effect<WritesRefused | null>
    /** Replaces the gate of one source; `null` opens it. Every gate has to be open. */
    readonly set: (source: string, gate: Gate | null) => Effect.Effect<void>
  }
>()("@nxmesh/master/command/WriteGate") {
  static readonly layer = Layer.sync(WriteGate, () => {
    const gates = new Map<string, Gate>()
    return WriteGate.of({
      refusal: (tag) =>
        Effect.sync(() => {
          for (const gate of gates.values()) {
            const refused = gate(tag)
            if (refused !== null) return refused
          }
          return null
        }),
      set: (source, gate) => Effect.sync(() => void (gate === null ? gates.delete(source) : gates.set(source, gate)))
    })
  })
}
