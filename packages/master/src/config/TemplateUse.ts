/**
 * What virtual hosts would become of a template before it is saved: each that uses it, also through other templates, is
 * rendered with it. A host that its present template cannot render either is not held against the new one.
 */
import { forbiddenIn } from "@nxmesh/core/nginx/Forbidden"
import { Generation } from "@nxmesh/protocol/Ids"
import { builtInTemplateNames, type Template } from "@nxmesh/protocol/model/Template"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import type { ErrorDetail } from "@nxmesh/protocol/Rejection"
import { Effect, Result } from "effect"
import { Limits } from "../Limits.ts"
import type { Catalogue } from "./Catalogue.ts"
import { closureOf, templateKeys } from "./Closures.ts"
import { draftedLookup } from "./Drafts.ts"
import { hostEntry, templateEntry } from "./Entries.ts"
import { assumedNginx, previewTree } from "./PreviewTree.ts"

const noGeneration = Generation.make("0".repeat(64))

/** The first thing that is wrong with these hosts' text, and whose it is. */
interface Problem {
  readonly host: string
  readonly message: string
}

const problemOf = (
  catalogue: Catalogue,
  hosts: ReadonlyArray<VirtualHost>,
  template: Template | null
): Problem | undefined => {
  const templates = template === null ? [] : [template]
  const lookup = draftedLookup(catalogue.lookup, { hosts: [], upstreams: [], templates, certificates: [] })
  const own = new Map(
    [...hosts.map(hostEntry), ...templates.map(templateEntry)].map((entry) => [entry.key, entry] as const)
  )
  const keys = new Set(
    hosts.flatMap((host) => closureOf(host, lookup, (workspaceId, name) => templateKeys(workspaceId, name, lookup)))
  )
  const entries = [...keys].map((key) => own.get(key) ?? catalogue.entry(key)).filter((entry) => entry !== undefined)
  const tree = previewTree(entries, noGeneration, assumedNginx)
  if (Result.isFailure(tree)) {
    const { field, line, problem, resource } = tree.failure
    // What else may be wrong with a host is not its template's doing.
    if (field !== "template" || resource === null) return undefined
    return { host: resource.id, message: line === null ? problem : `line ${line}: ${problem}` }
  }
  const [found] = forbiddenIn(tree.success).filter(({ resource }) => resource?.kind === "virtual_host")
  return found === undefined || found.resource === null
    ? undefined
    : {
        host: found.resource.id,
        message: `makes text that is refused: ${found.directive === "" ? "" : `"${found.directive}" `}${found.reason}`
      }
}

/** Hosts that the template would no longer render, at most one of each group that is rendered together. */
export const templateUseProblems = Effect.fnUntraced(function* (catalogue: Catalogue, template: Template) {
  const hosts = catalogue.hostsWithTemplate(template)
  const details: Array<ErrorDetail> = []
  for (let first = 0; first < hosts.length; first += Limits.config.hostsRenderedTogether) {
    const group = hosts.slice(first, first + Limits.config.hostsRenderedTogether)
    const problem = problemOf(catalogue, group, template)
    const host = group.find(({ id }) => id === problem?.host)
    if (problem !== undefined && host !== undefined && problemOf(catalogue, [host], null) === undefined) {
      details.push({ field: "source", message: `virtual host ${host.id} (${host.name}): ${problem.message}` })
    }
    yield* Effect.yieldNow
  }
  return details
})

/** Whether a host can be rendered by the custom template it names. Built-in ones render every host. */
export const hostTemplateProblems = (catalogue: Catalogue, host: VirtualHost): ReadonlyArray<ErrorDetail> => {
  if (builtInTemplateNames.some((name) => name === host.template)) return []
  const problem = problemOf(catalogue, [host], null)
  return problem === undefined ? [] : [{ field: "template", message: problem.message }]
}
