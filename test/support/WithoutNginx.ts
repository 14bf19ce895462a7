import type { LinkHandlers } from "@nxmesh/agent/link/LinkHandlers"
import { DateTime, Effect } from "effect"

/** How a simulated agent, which drives no nginx, answers what is asked of one. */
export const withoutNginx: Pick<LinkHandlers, "perform" | "policy"> = {
  perform: Effect.fnUntraced(function* (action_id) {
    const at = DateTime.formatIso(yield* DateTime.now)
    const message = "a simulated agent has no nginx"
    return { action_id, status: "refused", message, started_at: at, finished_at: at, errors: [] }
  }),
  policy: () => Effect.void
}
