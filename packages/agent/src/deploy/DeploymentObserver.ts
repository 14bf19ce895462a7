/** Who is told of each step of a deployment: nobody, unless the program says otherwise. */
import { Context, Effect } from "effect"
import type { JournalObserver } from "./Journal.ts"

export const DeploymentObserver = Context.Reference<JournalObserver>("@nxmesh/agent/deploy/DeploymentObserver", {
  defaultValue: () => () => Effect.void
})
