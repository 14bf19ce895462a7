import { hostTextProblems } from "@nxmesh/core/nginx/Forbidden"
import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import type { Summarized } from "@nxmesh/protocol/api/Summarized"
import { VirtualHostId } from "@nxmesh/protocol/Ids"
import { type VirtualHostCreate, type VirtualHostPatch, virtualHostProblems } from "@nxmesh/protocol/model/VirtualHost"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { ConfigEngine } from "../config/ConfigEngine.ts"
import type { ContentOf } from "../state/Kinds.ts"
import { changeSummary } from "./ChangeSummary.ts"
import { newId } from "./NewIds.ts"
import { invalid } from "./Refusal.ts"
import { neutralStamps, unstamped } from "./Unstamped.ts"
import { versionedResourceHandlers } from "./VersionedResourceHandlers.ts"

/** Refuses what the schema alone cannot see. References and clashes are checked where the host is saved. */
const checked = Effect.fnUntraced(function* (content: ContentOf<"virtual_host">) {
  const problems = [...virtualHostProblems(content), ...hostTextProblems(content)]
  if (problems.length > 0) return yield* Effect.fail(invalid(problems))
  const unrendered = yield* (yield* ConfigEngine).hostProblems({ ...content, ...neutralStamps })
  return unrendered.length > 0 ? yield* Effect.fail(invalid(unrendered)) : content
})

const virtualHosts = versionedResourceHandlers({
  kind: "virtual_host",
  group: "virtualHosts",
  collection: "virtual-hosts",
  view: (resource) => Effect.succeed(resource),
  made: ({ change_summary: _summary, ...content }: Summarized<VirtualHostCreate>) =>
    Effect.map(newId(VirtualHostId), (id) => ({ id, ...content })),
  changed: (current, { change_summary: _summary, ...changes }: Summarized<VirtualHostPatch>) =>
    Effect.succeed({ ...unstamped(current), ...changes }),
  summary: changeSummary,
  save: (content, stamps) =>
    Effect.map(checked(content), (virtual_host) => ({ _tag: "SaveVirtualHost", ...stamps, virtual_host })),
  delete: (id, stamps) => ({ _tag: "DeleteVirtualHost", id, ...stamps })
})

export const layerVirtualHosts = HttpApiBuilder.group(NxMeshApi, "virtualHosts", (handlers) =>
  handlers.handleAll(virtualHosts)
)
