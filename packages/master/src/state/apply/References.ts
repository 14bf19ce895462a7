/** Who refers to whom: kept beside the resources, so that a delete finds its referrers without reading every host. */
import { parseTemplate, partialNames } from "@nxmesh/core/nginx/TemplateSource"
import { namedUpstream } from "@nxmesh/core/nginx/UpstreamReference"
import { builtInTemplateNames } from "@nxmesh/protocol/model/Template"
import { Result } from "effect"
import type { ContentOf, Kind } from "../Kinds.ts"
import type { Connection } from "../Connection.ts"
import { Limits } from "../../Limits.ts"
import { findResource } from "../Resources.ts"
import { mayRead } from "./Permissions.ts"
import { refuse } from "./Refusal.ts"
import type { Transaction } from "./Transaction.ts"

/** Some references are by name within a workspace, and hold even before the named thing exists. */
export type Target = Kind | "upstream_name" | "template_name"
export interface Reference {
  readonly kind: Target
  readonly id: string
}

export const nameKey = (workspaceId: string, name: string): string => `${workspaceId}/${name}`

export const virtualHostReferences = (host: ContentOf<"virtual_host">): ReadonlyArray<Reference> => {
  const references: Array<Reference> = []
  if (host.ssl_certificate_id !== null) references.push({ kind: "certificate", id: host.ssl_certificate_id })
  if (!builtInTemplateNames.some((name) => name === host.template)) {
    references.push({ kind: "template_name", id: nameKey(host.workspace_id, host.template) })
  }
  if (host.target_agents.scope === "agents") {
    for (const id of host.target_agents.agent_ids) references.push({ kind: "agent", id })
  }
  for (const location of host.locations) {
    if (location.upstream_id !== null) references.push({ kind: "upstream", id: location.upstream_id })
    const name = namedUpstream(location)
    if (name !== null) references.push({ kind: "upstream_name", id: nameKey(host.workspace_id, name) })
  }
  return references
}

/** The partials that a template includes. One that does not parse was refused before it came here, and includes none. */
export const templateReferences = (template: ContentOf<"template">): ReadonlyArray<Reference> => {
  const parsed = parseTemplate(template.name, template.source)
  if (Result.isFailure(parsed)) return []
  return partialNames(parsed.success)
    .filter((name) => name !== template.name)
    .map((name) => ({ kind: "template_name" as const, id: nameKey(template.workspace_id, name) }))
}

/** Replaces what the resource refers to. */
export const putReferences = (
  connection: Connection,
  kind: Kind,
  id: string,
  references: ReadonlyArray<Reference>
): void => {
  connection.run("DELETE FROM resource_references WHERE from_kind = ? AND from_id = ?", kind, id)
  for (const target of references) {
    connection.run(
      "INSERT OR IGNORE INTO resource_references (from_kind, from_id, to_kind, to_id) VALUES (?, ?, ?, ?)",
      kind,
      id,
      target.kind,
      target.id
    )
  }
}

/** Refuses with the referrers named, at most a page of them. `action` is what they forbid, as in "delete". */
export const requireUnreferenced = (tx: Transaction, action: string, targets: ReadonlyArray<Reference>): void => {
  const { connection } = tx
  const referrers = targets.flatMap(({ id, kind }) =>
    connection.all<{ readonly from_kind: Kind; readonly from_id: string }>(
      `SELECT from_kind, from_id FROM resource_references WHERE to_kind = ? AND to_id = ?
       ORDER BY from_kind, from_id LIMIT ?`,
      kind,
      id,
      Limits.state.referencesNamedMax
    )
  )
  refuseReferenced(
    tx,
    action,
    referrers.map(({ from_id, from_kind }) => ({
      kind: from_kind,
      resource: findResource(connection, from_kind, from_id),
      id: from_id
    }))
  )
}

interface Referrer {
  readonly kind: Kind
  readonly id: string
  readonly resource: ContentOf<Kind> | undefined
  /** Of a kind that has no name of its own. */
  readonly name?: string
}

const nameOf = ({ name, resource }: Referrer): string =>
  name ?? (resource !== undefined && "name" in resource ? String(resource.name) : "unnamed")

/** Those that the principal may not read are not named. */
export const refuseReferenced = (tx: Transaction, action: string, all: ReadonlyArray<Referrer>): void => {
  if (all.length === 0) return
  const referrers = all.filter(({ kind, resource }) => resource !== undefined && mayRead(tx, kind, resource))
  refuse(
    "REFERENCED",
    `cannot ${action}: other resources refer to it; change or delete them first`,
    referrers
      .slice(0, Limits.state.referencesNamedMax)
      .map((referrer) => ({ field: "", message: `${referrer.kind} ${referrer.id} (${nameOf(referrer)})` }))
  )
}
