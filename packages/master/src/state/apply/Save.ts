/** Creating, changing and removing one resource: the checks and stamps that every kind shares. */
import { canonicalJson } from "@nxmesh/core/nginx/Generation"
import type { Event } from "@nxmesh/protocol/Event"
import type { OrganizationId, WorkspaceId } from "@nxmesh/protocol/Ids"
import type { Workspace } from "@nxmesh/protocol/model/Organization"
import type { ContentOf, Kind, ResourceOf } from "../Kinds.ts"
import { kindWords } from "../KindWords.ts"
import { findResource, findResourceBy, putResource, removeResource } from "../Resources.ts"
import type { SqlValue } from "../Connection.ts"
import { mayRead } from "./Permissions.ts"
import { refuse, refuseFields } from "./Refusal.ts"
import type { Transaction } from "./Transaction.ts"

const checkRevision = (kind: Kind, current: { readonly revision: number }, ifMatch: number | null): void => {
  if (ifMatch !== null && current.revision !== ifMatch) {
    refuse(
      "PRECONDITION_FAILED",
      `the ${kindWords[kind]} has changed: it is at revision ${current.revision}, not ${ifMatch}; read it again and repeat the change`
    )
  }
}

/** The resource, or a refusal that says it is not there or no longer at `ifMatch`. */
export const required = <K extends Kind>(
  { connection }: Transaction,
  kind: K,
  id: string,
  ifMatch: number | null = null
): ResourceOf<K> => {
  const current = findResource(connection, kind, id)
  if (current === undefined) return refuse("NOT_FOUND", `there is no ${kindWords[kind]} ${id}`)
  checkRevision(kind, current, ifMatch)
  return current
}

/** What a save replaces: `undefined` for a create. */
export const replaced = <K extends Kind>(
  tx: Transaction,
  kind: K,
  id: string,
  save: { readonly mode: "create" | "update"; readonly if_match: number | null }
): ResourceOf<K> | undefined => {
  if (save.mode === "update") return required(tx, kind, id, save.if_match)
  if (findResource(tx.connection, kind, id) !== undefined) {
    return refuse("CONFLICT", `there is already a ${kindWords[kind]} ${id}`)
  }
  return undefined
}

/** Refuses when another resource of the kind has these values in these columns. */
export const requireUnique = (
  tx: Transaction,
  kind: Kind,
  id: string,
  field: string,
  columns: Readonly<Record<string, SqlValue>>
): void => {
  const other = findResourceBy(tx.connection, kind, columns)
  if (other === undefined || other.id === id) return
  const told = mayRead(tx, kind, other) ? `is used by ${kindWords[kind]} ${other.id}` : "is taken"
  refuse("CONFLICT", `another ${kindWords[kind]} has this ${field}`, [{ field, message: told }])
}

/** The workspace that a resource names, and a refusal when it does not exist or when the resource would move. */
export const requireWorkspace = (
  { connection }: Transaction,
  id: WorkspaceId,
  before: { readonly workspace_id: WorkspaceId } | undefined
): Workspace => {
  if (before !== undefined && before.workspace_id !== id) {
    return refuseFields([{ field: "workspace_id", message: "cannot change: create it anew in the other workspace" }])
  }
  const workspace = findResource(connection, "workspace", id)
  if (workspace === undefined) return refuseFields([{ field: "workspace_id", message: "names no workspace" }])
  return workspace
}

const contentOf = (resource: object): object => {
  const content: Record<string, unknown> = { ...resource }
  delete content["created_at"]
  delete content["updated_at"]
  delete content["revision"]
  return content
}

/** The resource without stamps, and a certificate without its ciphertext, which changes when a key is re-wrapped. */
export const comparable = (resource: object): string => {
  const content: Record<string, unknown> = { ...contentOf(resource) }
  if ("secret_version_id" in content) delete content["private_key"]
  return canonicalJson(content)
}

export interface Saved<K extends Kind> {
  readonly after: ResourceOf<K>
  /** False when the content is what it was: then nothing is written, and the revision stays. */
  readonly changed: boolean
}

/** Stamps and stores the content. */
export const write = <K extends Kind>(
  tx: Transaction,
  kind: K,
  before: ResourceOf<K> | undefined,
  content: ContentOf<K>
): Saved<K> => {
  if (before !== undefined && comparable(before) === comparable(content)) return { after: before, changed: false }
  const after = {
    ...content,
    created_at: before?.created_at ?? tx.timestamp,
    updated_at: tx.timestamp,
    revision: tx.index
  } as ResourceOf<K>
  putResource(tx.connection, kind, after)
  return { after, changed: true }
}

export const erase = (tx: Transaction, kind: Kind, id: string): void => removeResource(tx.connection, kind, id)

/** The event of one changed resource. */
export const resourceChanged = (
  kind: Kind,
  id: string,
  operation: "create" | "update" | "delete",
  place: { readonly organization_id?: OrganizationId | undefined; readonly workspace_id?: WorkspaceId | undefined } = {}
): Event => ({
  _tag: "ResourceChanged",
  kind,
  id,
  operation,
  organization_id: place.organization_id ?? null,
  workspace_id: place.workspace_id ?? null
})
