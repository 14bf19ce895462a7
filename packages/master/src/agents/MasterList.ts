/** Tells connected agents when the cluster has other masters than it had. */
import { Effect, Layer, Queue } from "effect"
import { Limits } from "../Limits.ts"
import { AgentServerSettings } from "../link/AgentServerSettings.ts"
import { Events } from "../state/Events.ts"
import { AgentSessions } from "./AgentSessions.ts"

export const layerMasterList = Layer.effectDiscard(
  Effect.gen(function* () {
    const applied = yield* (yield* Events).subscribe
    const { masters } = yield* AgentServerSettings
    const sessions = yield* AgentSessions
    let told = (yield* masters).join(" ")
    const isAboutMasters = Effect.map(
      Queue.take(applied),
      ({ event }) => event._tag === "StateReset" || (event._tag === "ResourceChanged" && event.kind === "master")
    )
    const follow = Effect.gen(function* () {
      if (!(yield* isAboutMasters)) return
      // Members come and go in a few entries: one message says it.
      yield* Effect.sleep(Limits.agents.masterListDelay)
      const now = yield* masters
      if (now.join(" ") === told) return
      told = now.join(" ")
      yield* sessions.announce({ _tag: "Masters", masters: now })
    })
    yield* follow.pipe(Effect.forever, Effect.forkScoped)
  })
)
