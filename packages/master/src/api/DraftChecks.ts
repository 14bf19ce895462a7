/**
 * What a draft may name: a workspace of whoever asks, and in it what is there. A draft is rendered with all that it refers to, so
 * a reference to another's resource would show it.
 */
import type { PreviewDraft } from "@nxmesh/protocol/api/Preview"
import type { Permission } from "@nxmesh/protocol/model/Permission"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import type { ResourceDraft } from "@nxmesh/protocol/peer/AgentMessage"
import type { ErrorDetail } from "@nxmesh/protocol/Rejection"
import { Effect } from "effect"
import { Reads } from "../state/Reads.ts"
import { requireInWorkspace } from "./NewPlace.ts"
import { invalid } from "./Refusal.ts"

type HostReferences = Pick<VirtualHost, "workspace_id" | "ssl_certificate_id" | "locations">

/** The fields that name what is not there for this host. `drafted`: upstreams that would be there, by id, with their workspaces. */
const strangers = Effect.fnUntraced(function* (host: HostReferences, drafted: ReadonlyMap<string, string>) {
  const reads = yield* Reads
  const details: Array<ErrorDetail> = []
  const id = host.ssl_certificate_id
  if (id !== null && (yield* reads.get("certificate", id))?.workspace_id !== host.workspace_id) {
    details.push({ field: "ssl_certificate_id", message: "names no certificate of this workspace" })
  }
  for (const [index, { upstream_id }] of host.locations.entries()) {
    if (upstream_id === null) continue
    const workspaceId = drafted.get(upstream_id) ?? (yield* reads.get("upstream", upstream_id))?.workspace_id
    if (workspaceId !== host.workspace_id) {
      details.push({ field: `locations[${index}].upstream_id`, message: "names no upstream of this workspace" })
    }
  }
  return details
})

export const requireOwnDrafts = Effect.fnUntraced(function* (
  permission: Permission,
  drafts: ReadonlyArray<PreviewDraft>
) {
  const upstreams = new Map<string, string>()
  for (const { data, id, kind } of drafts) if (kind === "upstream" && id !== null) upstreams.set(id, data.workspace_id)
  for (const [index, draft] of drafts.entries()) {
    yield* requireInWorkspace(permission, draft.data.workspace_id, `drafts[${index}].data.workspace_id`)
    if (draft.kind !== "virtual_host") continue
    const found = yield* strangers(draft.data, upstreams)
    if (found.length > 0) {
      const details = found.map(({ field, message }) => ({ field: `drafts[${index}].data.${field}`, message }))
      return yield* Effect.fail(invalid(details))
    }
  }
})

/** The same for what a command would save, whose workspace was looked at before. */
export const requireOwnReferences = Effect.fnUntraced(function* (draft: ResourceDraft) {
  if (draft._tag !== "virtual_host") return
  const found = yield* strangers(draft.data, new Map())
  if (found.length > 0) return yield* Effect.fail(invalid(found))
})
