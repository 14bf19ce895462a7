/** Upstreams, certificates and templates: the resources that virtual hosts refer to. */
import type { CommandOf } from "@nxmesh/protocol/Command"
import { upstreamProblems } from "@nxmesh/protocol/model/Upstream"
import { findResource } from "../Resources.ts"
import type { ContentOf, ResourceOf } from "../Kinds.ts"
import { nameKey, putReferences, requireUnreferenced, templateReferences } from "./References.ts"
import { refuseFields } from "./Refusal.ts"
import { erase, replaced, required, requireUnique, requireWorkspace, resourceChanged, write } from "./Save.ts"
import type { Applied, Transaction } from "./Transaction.ts"
import { addVersion, type VersionNote } from "./Versions.ts"

type SharedKind = "upstream" | "certificate" | "template"

interface SaveRequest<K extends SharedKind> extends VersionNote {
  readonly mode: "create" | "update"
  readonly if_match: number | null
  readonly content: ContentOf<K>
  /** The answer: a certificate's without its key. */
  readonly answer: (after: ResourceOf<K>) => unknown
}

const save = <K extends SharedKind>(
  tx: Transaction,
  kind: K,
  before: ResourceOf<K> | undefined,
  request: SaveRequest<K>
): Applied => {
  const workspace = requireWorkspace(tx, request.content.workspace_id, before)
  const { after, changed } = write(tx, kind, before, request.content)
  if (changed) addVersion(tx, kind, after.id, request, after)
  const place = { organization_id: workspace.organization_id, workspace_id: workspace.id }
  return {
    value: request.answer(after),
    events: changed ? [resourceChanged(kind, after.id, request.mode, place)] : [],
    audit: { kind, id: after.id, before: before ?? null, after }
  }
}

const remove = (tx: Transaction, kind: SharedKind, before: ResourceOf<SharedKind>, note: VersionNote): Applied => {
  erase(tx, kind, before.id)
  addVersion(tx, kind, before.id, note, null)
  const workspace = findResource(tx.connection, "workspace", before.workspace_id)
  const place = { organization_id: workspace?.organization_id, workspace_id: before.workspace_id }
  return {
    value: null,
    events: [resourceChanged(kind, before.id, "delete", place)],
    audit: { kind, id: before.id, before, after: null }
  }
}

export const saveUpstream = (tx: Transaction, command: CommandOf<"SaveUpstream">): Applied => {
  const content: ContentOf<"upstream"> = command.upstream
  const before = replaced(tx, "upstream", content.id, command)
  requireUnique(tx, "upstream", content.id, "name", { workspace_id: content.workspace_id, name: content.name })
  const problems = upstreamProblems(content)
  if (problems.length > 0) refuseFields(problems)
  if (before !== undefined && before.name !== content.name) {
    requireUnreferenced(tx, "rename the upstream", [
      { kind: "upstream_name", id: nameKey(before.workspace_id, before.name) }
    ])
  }
  return save(tx, "upstream", before, { ...command, content, answer: (after) => after })
}

export const deleteUpstream = (tx: Transaction, command: CommandOf<"DeleteUpstream">): Applied => {
  const before = required(tx, "upstream", command.id, command.if_match)
  requireUnreferenced(tx, "delete the upstream", [
    { kind: "upstream", id: before.id },
    { kind: "upstream_name", id: nameKey(before.workspace_id, before.name) }
  ])
  return remove(tx, "upstream", before, command)
}

const withoutKey = ({ private_key: _key, secret_version_id: _version, ...answer }: ResourceOf<"certificate">) => answer

export const saveCertificate = (tx: Transaction, command: CommandOf<"SaveCertificate">): Applied => {
  const content: ContentOf<"certificate"> = command.certificate
  const before = replaced(tx, "certificate", content.id, command)
  return save(tx, "certificate", before, { ...command, content, answer: withoutKey })
}

export const deleteCertificate = (tx: Transaction, command: CommandOf<"DeleteCertificate">): Applied => {
  const before = required(tx, "certificate", command.id, command.if_match)
  requireUnreferenced(tx, "delete the certificate", [{ kind: "certificate", id: before.id }])
  return remove(tx, "certificate", before, command)
}

export const saveTemplate = (tx: Transaction, command: CommandOf<"SaveTemplate">): Applied => {
  const content: ContentOf<"template"> = command.template
  const before = replaced(tx, "template", content.id, command)
  requireUnique(tx, "template", content.id, "name", { workspace_id: content.workspace_id, name: content.name })
  if (before !== undefined && before.name !== content.name) {
    requireUnreferenced(tx, "rename the template", [
      { kind: "template_name", id: nameKey(before.workspace_id, before.name) }
    ])
  }
  const applied = save(tx, "template", before, { ...command, content, answer: (after) => after })
  putReferences(tx.connection, "template", content.id, templateReferences(content))
  return applied
}

export const deleteTemplate = (tx: Transaction, command: CommandOf<"DeleteTemplate">): Applied => {
  const before = required(tx, "template", command.id, command.if_match)
  requireUnreferenced(tx, "delete the template", [
    { kind: "template_name", id: nameKey(before.workspace_id, before.name) }
  ])
  putReferences(tx.connection, "template", before.id, [])
  return remove(tx, "template", before, command)
}
