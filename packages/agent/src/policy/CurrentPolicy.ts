/** What the agent goes by where it has a choice. Masters say it; it is kept, so that an island goes by what was said last. */
import * as AtomicFile from "@nxmesh/core/file/AtomicFile"
import type { FileError } from "@nxmesh/core/file/FileError"
import { AgentPolicy, agentPolicyDefault } from "@nxmesh/protocol/model/AgentPolicy"
import { Context, Effect, Layer, Option, Schema, type Stream, SubscriptionRef } from "effect"
import { join } from "node:path"

const PolicyText = Schema.fromJsonString(AgentPolicy)

const read = Effect.fnUntraced(function* (path: string) {
  const bytes = yield* AtomicFile.readIfExists(path)
  if (bytes === null) return agentPolicyDefault
  const kept = Schema.decodeUnknownOption(PolicyText)(new TextDecoder().decode(bytes))
  if (Option.isSome(kept)) return kept.value
  yield* Effect.logWarning(`${path} cannot be read: going by the default policy until a master is there`)
  return agentPolicyDefault
})

export class CurrentPolicy extends Context.Service<
  CurrentPolicy,
  {
    readonly get: Effect.Effect<AgentPolicy>
    /** The one that holds, then each that follows. */
    readonly changes: Stream.Stream<AgentPolicy>
    /** Holds at once; a disk that fails costs only what a restart without a master would go by. */
    readonly set: (policy: AgentPolicy) => Effect.Effect<void>
  }
>()("@nxmesh/agent/policy/CurrentPolicy") {
  static readonly layer = (dataDirectory: string): Layer.Layer<CurrentPolicy, FileError> =>
    Layer.effect(
      CurrentPolicy,
      Effect.gen(function* () {
        yield* AtomicFile.makeDirectory(dataDirectory)
        const path = join(dataDirectory, "policy.json")
        const current = yield* SubscriptionRef.make(yield* read(path))
        return CurrentPolicy.of({
          get: SubscriptionRef.get(current),
          changes: SubscriptionRef.changes(current),
          set: (policy) =>
            Effect.andThen(
              SubscriptionRef.set(current, policy),
              Effect.catch(AtomicFile.write(path, Schema.encodeSync(PolicyText)(policy)), (error) =>
                Effect.logWarning(`the policy is not kept for a restart: ${error.message}`)
              )
            )
        })
      })
    )
}
