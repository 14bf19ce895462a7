/**
 * What the tasks that watch the cluster want an operator to know: each task keeps its own sentences, and whoever tells
 * how the cluster stands shows them all.
 */
import { Context, Effect, Layer, type Scope } from "effect"

export class Warnings extends Context.Service<
  Warnings,
  {
    /** Sets the sentences of one source, instead of those that it had; they are gone with the scope. */
    readonly keep: (
      source: string
    ) => Effect.Effect<(sentences: ReadonlyArray<string>) => Effect.Effect<void>, never, Scope.Scope>
    readonly all: Effect.Effect<ReadonlyArray<string>>
  }
>()("@nxmesh/master/cluster/Warnings") {
  static readonly layer = Layer.sync(Warnings, () => {
    const bySource = new Map<string, ReadonlyArray<string>>()
    return Warnings.of({
      keep: (source) =>
        Effect.acquireRelease(
          Effect.succeed((sentences: ReadonlyArray<string>) =>
            // A sentence that is there already was logged already.
            Effect.suspend(() => {
              const before = bySource.get(source) ?? []
              bySource.set(source, sentences)
              return Effect.forEach(
                sentences.filter((sentence) => !before.includes(sentence)),
                (sentence) => Effect.logWarning(sentence),
                { discard: true }
              )
            })
          ),
          () => Effect.sync(() => bySource.delete(source))
        ),
      all: Effect.sync(() => [...bySource.values()].flat())
    })
  })
}
