/** Whose people, roles and groups are: an organization's or the installation's, for good. */
import type { OrganizationId } from "@nxmesh/protocol/Ids"
import { findResource } from "../Resources.ts"
import { refuseFields } from "./Refusal.ts"
import type { Transaction } from "./Transaction.ts"

type Home = OrganizationId | null | undefined

/** Refuses a home that does not exist, or that would change. */
export const requireHome = (
  { connection }: Transaction,
  home: Home,
  before: { readonly organization_id?: Home } | undefined
): void => {
  if (before !== undefined && (before.organization_id ?? null) !== (home ?? null)) {
    refuseFields([{ field: "organization_id", message: "cannot change" }])
  }
  if (home !== null && home !== undefined && findResource(connection, "organization", home) === undefined) {
    refuseFields([{ field: "organization_id", message: "names no organization" }])
  }
}

/** What belongs to an organization acts in it alone; what belongs to the installation, anywhere. */
export const mayActIn = (home: Home, organizationId: Home): boolean =>
  home === null || home === undefined || home === organizationId
