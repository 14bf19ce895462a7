/** What an agent's nginx would be given, drafts included, and how that differs from what it serves now. */
import { clashesOf } from "@nxmesh/core/nginx/Clash"
import { type ForbiddenDirective, forbiddenIn } from "@nxmesh/core/nginx/Forbidden"
import type { Preview, PreviewDraft, PreviewProblem } from "@nxmesh/protocol/api/Preview"
import type { Generation } from "@nxmesh/protocol/Ids"
import type { NginxCapabilities } from "@nxmesh/protocol/model/Agent"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import { Effect, Result } from "effect"
import type { Catalogue } from "./Catalogue.ts"
import { draftedResources, isTargeted, withDrafts } from "./Drafts.ts"
import type { Manifest } from "./Manifest.ts"
import { assumedNginx, previewTree, treeDifferences } from "./PreviewTree.ts"
import type { AgentTarget } from "../targeting/Targets.ts"

export interface PreviewInput {
  readonly agent: AgentTarget
  /** What the agent said of its nginx; `null` when it never did. */
  readonly nginx: NginxCapabilities | null
  readonly catalogue: Catalogue
  /** What the agent should have without the drafts. */
  readonly manifest: Manifest
  readonly drafts: ReadonlyArray<PreviewDraft>
  readonly serving: Generation | null
  /** What the agent serves, where this master still knows it. */
  readonly base: Manifest | undefined
}

export const previewOf = (input: PreviewInput): Effect.Effect<Preview> =>
  Effect.sync(() => {
    const { agent, base, catalogue, drafts, serving } = input
    const nginx = input.nginx ?? assumedNginx
    const drafted = draftedResources(drafts)
    const wanted = drafts.length === 0 ? { hosts: [], manifest: input.manifest } : withDrafts(catalogue, agent, drafted)
    const { generation } = wanted.manifest
    const after = previewTree(wanted.manifest.entries, generation, nginx)
    const before = previewTree(base?.entries ?? [], generation, nginx)
    const mine = drafted.hosts.filter((host) => isTargeted(catalogue, host, agent))
    const problems: ReadonlyArray<PreviewProblem> = [
      ...(Result.isFailure(after)
        ? [{ severity: "error" as const, message: after.failure.message, resource: after.failure.resource }]
        : [
            ...after.success.warnings.map(warning),
            // What is saved was checked when it was; a draft may be anything, and a template is in many files.
            ...(drafts.length === 0 ? [] : forbiddenIn(after.success).map(forbidden))
          ]),
      ...drafted.hosts.filter((host) => !mine.includes(host)).map(notHere),
      ...(input.nginx === null ? [warning(`the agent has not told its nginx yet: shown as for ${nginx.version}`)] : []),
      ...(base === undefined && serving !== null
        ? [warning("this master does not know any more what the agent serves: every file is shown as new")]
        : [])
    ]
    return {
      agent_id: agent.id,
      generation,
      serving_generation: serving,
      files: Result.isSuccess(after) ? after.success.files.map(({ content, path }) => ({ path, content })) : [],
      changes:
        base === undefined
          ? treeDifferences(Result.succeed({ files: [], warnings: [] }), after)
          : treeDifferences(before, after),
      clashes: mine.flatMap((host) =>
        clashesOf(host, wanted.hosts).map(({ field, message }) => ({ field, message: `${host.name}: ${message}` }))
      ),
      problems
    }
  })

const warning = (message: string): PreviewProblem => ({ severity: "warning", message, resource: null })

const forbidden = ({ directive, file, line, reason, resource }: ForbiddenDirective): PreviewProblem => ({
  severity: "error",
  message: `${file}:${line}: ${directive === "" ? "" : `"${directive}" `}${reason}`,
  resource
})

const notHere = (host: VirtualHost): PreviewProblem => ({
  severity: "warning",
  message: host.enabled ? "does not target this agent" : "is disabled",
  resource: { kind: "virtual_host", id: host.id, name: host.name }
})
