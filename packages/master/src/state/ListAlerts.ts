/** Pages of alerts, of those that may be seen alone. */
import type { Connection } from "./Connection.ts"
import type { Listing, ListQuery } from "./Listable.ts"
import { type AlertRow, type KeptAlert, parseAlert } from "./ReadAlerting.ts"
import { listPage, type Page } from "./ReadLists.ts"

const alertListing: Listing = {
  sort: ["started_at"],
  filter: ["agent_id", "organization_id", "rule_id", "severity", "state", "workspace_id"],
  place: "either"
}

export const listAlerts = (connection: Connection, query: ListQuery): Page<KeptAlert> => {
  const source = { table: "alerts", columns: "data, told", tieBreaker: "id", listing: alertListing }
  const { items, total } = listPage<AlertRow>(connection, source, query)
  return { items: items.map(parseAlert), total }
}
