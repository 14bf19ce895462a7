import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import type { Summarized } from "@nxmesh/protocol/api/Summarized"
import { UpstreamId } from "@nxmesh/protocol/Ids"
import { type UpstreamCreate, type UpstreamPatch, upstreamProblems } from "@nxmesh/protocol/model/Upstream"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import type { ContentOf } from "../state/Kinds.ts"
import { changeSummary } from "./ChangeSummary.ts"
import { newId } from "./NewIds.ts"
import { invalid } from "./Refusal.ts"
import { unstamped } from "./Unstamped.ts"
import { versionedResourceHandlers } from "./VersionedResourceHandlers.ts"

/** Refuses what the schema alone cannot see. */
const checked = Effect.fnUntraced(function* (content: ContentOf<"upstream">) {
  const problems = upstreamProblems(content)
  return problems.length > 0 ? yield* Effect.fail(invalid(problems)) : content
})

const upstreams = versionedResourceHandlers({
  kind: "upstream",
  group: "upstreams",
  collection: "upstreams",
  view: (resource) => Effect.succeed(resource),
  made: ({ change_summary: _summary, ...content }: Summarized<UpstreamCreate>) =>
    Effect.map(newId(UpstreamId), (id) => ({ id, ...content })),
  changed: (current, { change_summary: _summary, ...changes }: Summarized<UpstreamPatch>) =>
    Effect.succeed({ ...unstamped(current), ...changes }),
  summary: changeSummary,
  save: (content, stamps) =>
    Effect.map(checked(content), (upstream) => ({ _tag: "SaveUpstream", ...stamps, upstream })),
  delete: (id, stamps) => ({ _tag: "DeleteUpstream", id, ...stamps })
})

export const layerUpstreams = HttpApiBuilder.group(NxMeshApi, "upstreams", (handlers) => handlers.handleAll(upstreams))
