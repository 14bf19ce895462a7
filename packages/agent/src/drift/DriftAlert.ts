/** What an operator hears of drift. Pure. */
import type { Alert } from "@nxmesh/protocol/model/Health"
import type { Drift } from "@nxmesh/protocol/model/Drift"

const done: Readonly<Record<Drift["response"], string>> = {
  alerted: "left as found",
  reverted: "put back",
  revert_failed: "could not be put back",
  accepting: "offered to the masters as the next version"
}

/** Names the first path; all of them are in the report. What was put back is reported, and needs nobody. */
export const driftAlert = ({ files, omitted, response }: Drift): Alert | null => {
  if (response === "reverted") return null
  const [first] = files
  const more = files.length - 1 + omitted
  const where = first === undefined ? "the configuration" : `${first.path} (${first.kind})`
  const others = more <= 0 ? "" : ` and ${more} more`
  return {
    severity: response === "revert_failed" ? "critical" : "warning",
    code: "drift",
    message: `${where}${others} differs from the settled generation: ${done[response]}`.slice(0, 1_024)
  }
}
