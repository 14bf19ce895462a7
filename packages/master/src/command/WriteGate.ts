/**
 * What may close the way for changes while the disk has no room for them (design-cluster.md 20). `Commands` asks before
 * it proposes; who watches the disk closes and opens. Open unless somebody closed it.
 */
import type { CommandTag } from "@nxmesh/protocol/Command"
import { Context, Data, Effect, Layer } from "effect"

/** Nothing was done. Deletes pass, so that an operator can make room. */
export class WritesRefused extends Data.TaggedError("WritesRefused")<{ readonly reason: string }> {
  override get message() {
    return `changes are refused: ${this.reason}`
  }
}

/** Why a command of this kind is refused; `null`: it is not. */
export type Gate = (tag: CommandTag) => WritesRefused | null

const open: Gate = () => null

export class WriteGate extends Context.Service<
  WriteGate,
  {
    readonly refusal: (tag: CommandTag) => Effect.Effect<WritesRefused | null>
    /** Replaces the gate; `null` opens it. */
    readonly set: (gate: Gate | null) => Effect.Effect<void>
  }
>()("@nxmesh/master/command/WriteGate") {
  static readonly layer = Layer.sync(WriteGate, () => {
    let gate = open
    return WriteGate.of({
      refusal: (tag) => Effect.sync(() => gate(tag)),
      set: (next) =>
        Effect.sync(() => {
          gate = next ?? open
        })
    })
  })
}
