/** Where a rule, a silence or a webhook belongs: to a workspace, to an organization with all its workspaces, or to the installation. */
import { Schema } from "effect"
import { OrganizationId, WorkspaceId } from "../Ids.ts"
import { withDefault } from "./Resource.ts"

/** Both `null`: the installation. A workspace goes with its organization. */
export const place = {
  organization_id: Schema.NullOr(OrganizationId),
  workspace_id: Schema.NullOr(WorkspaceId)
}
/** Of a workspace, its id is enough. */
export const placeOnCreate = {
  organization_id: withDefault(Schema.NullOr(OrganizationId), null),
  workspace_id: withDefault(Schema.NullOr(WorkspaceId), null)
}

export interface Place {
  readonly organization_id: OrganizationId | null
  readonly workspace_id: WorkspaceId | null
}

/** Whether what is at `inner` belongs to `outer`. */
export const holds = (outer: Place, inner: Place): boolean =>
  (outer.organization_id === null || outer.organization_id === inner.organization_id) &&
  (outer.workspace_id === null || outer.workspace_id === inner.workspace_id)
