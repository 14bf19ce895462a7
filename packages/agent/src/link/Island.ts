/** What an agent does while no master is there, beside serving: it goes on looking after itself, and remembers what it saw. */
import type { HealthReport } from "@nxmesh/protocol/model/Health"
import { Duration, Effect, Stream } from "effect"
import { Outbox } from "../outbox/Outbox.ts"
import { CurrentPolicy } from "../policy/CurrentPolicy.ts"
import type { LinkHandlers } from "./LinkHandlers.ts"

/** The health of the time without a master, for the masters to come. */
export const islandHandlers = Effect.fnUntraced(function* (
  health: (interval: Duration.Duration) => Stream.Stream<HealthReport>
): Effect.fn.Return<Pick<LinkHandlers, "island" | "outbox" | "unheard">, never, CurrentPolicy | Outbox> {
  const outbox = yield* Outbox
  const policy = yield* CurrentPolicy
  const unheard = (report: HealthReport) => Effect.asVoid(outbox.offer("health", report))
  return {
    outbox,
    unheard,
    island: Effect.flatMap(policy.get, ({ report_interval_seconds }) =>
      Stream.runForEach(health(Duration.seconds(report_interval_seconds)), unheard)
    )
  }
})
