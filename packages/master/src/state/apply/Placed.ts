/** Resources that belong to a workspace, an organization or the installation: the checks that they share. */
import type { Event } from "@nxmesh/protocol/Event"
import type { Place } from "@nxmesh/protocol/model/Place"
import { Limits } from "../../Limits.ts"
import { tables } from "../Kinds.ts"
import { findResource } from "../Resources.ts"
import { refuse, refuseFields } from "./Refusal.ts"
import type { Transaction } from "./Transaction.ts"

export type PlacedKind = "alert_rule" | "alert_silence" | "webhook"

/** Refuses a place that does not exist, and one that the resource would move to. */
export const requirePlace = (tx: Transaction, place: Place, before?: Place): void => {
  if (before !== undefined) {
    const fields = (["organization_id", "workspace_id"] as const).filter((field) => before[field] !== place[field])
    if (fields.length > 0) {
      refuseFields(fields.map((field) => ({ field, message: "cannot change: create it anew in the other place" })))
    }
    return
  }
  const { organization_id, workspace_id } = place
  if (workspace_id !== null) {
    const workspace = findResource(tx.connection, "workspace", workspace_id)
    if (workspace === undefined) refuseFields([{ field: "workspace_id", message: "names no workspace" }])
    else if (workspace.organization_id !== organization_id) {
      refuseFields([{ field: "organization_id", message: "is not the organization of workspace_id" }])
    }
  } else if (organization_id !== null && findResource(tx.connection, "organization", organization_id) === undefined) {
    refuseFields([{ field: "organization_id", message: "names no organization" }])
  }
}

/** Refuses one more above the bound of the installation. */
export const requireRoom = ({ connection }: Transaction, kind: PlacedKind): void => {
  const max = Limits.alerting.resourcesPerKindMax
  const found = connection.get<{ readonly count: number }>(`SELECT count(*) AS count FROM ${tables[kind].table}`)
  if ((found?.count ?? 0) >= max) refuse("UNPROCESSABLE", `there are ${max} already: delete what is not needed`)
}

/** The event of one of them, or of an alert. */
export const placedChanged = (
  kind: PlacedKind | "alert",
  id: string,
  operation: "create" | "update" | "delete",
  { organization_id, workspace_id }: Place
): Event => ({ _tag: "ResourceChanged", kind, id, operation, organization_id, workspace_id })
