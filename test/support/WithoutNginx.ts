import type { LinkHandlers } from "@nxmesh/agent/link/LinkHandlers"
import { DateTime, Effect } from "effect"

/** How a simulated agent, which drives no nginx, answers what is asked of one. */
export const withoutNginx: Pick<LinkHandlers, "island" | "outbox" | "perform" | "policy" | "unheard"> = {
  perform: Effect.fnUntraced(function* (action_id) {
    const at = DateTime.formatIso(yield* DateTime.now)
    const message = "a simulated agent has no nginx"
    return { action_id, status: "refused", message, started_at: at, finished_at: at, errors: [] }
  }),
  policy: () => Effect.void,
  outbox: { next: Effect.never, acknowledge: () => Effect.void },
  unheard: () => Effect.void,
  island: Effect.void
}
