/**
 * The forbidden-directive list, enforced on rendered text: whatever a field, a snippet or a template did to get a
 * directive there, it is found by reading the result as nginx would.
 */
import type { ResourceReference } from "@nxmesh/protocol/model/ResourceKind"
import type { Location, VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import { Result } from "effect"
import { anyLogDirectory, forbiddenReason, outsideSnippets } from "./ForbiddenRules.ts"
import type { ForbiddenSettings } from "./ForbiddenRules.ts"
import { allDirectives, parseNginx } from "./Parse.ts"
import type { Directive } from "./Parse.ts"
import { serveProblem } from "./ProtectedPath.ts"
import type { RenderedFile, RenderedTree } from "./Render.ts"

export interface ForbiddenDirective {
  /** Relative to the generation's directory. */
  readonly file: string
  readonly line: number
  /** Its name; empty when the file cannot be read as nginx syntax. */
  readonly directive: string
  readonly reason: string
  readonly resource: ResourceReference | null
}

const single = (files: ReadonlyArray<RenderedFile>, path: string, name: string): string | null => {
  const content = files.find((file) => file.path === path)?.content ?? ""
  const parsed = parseNginx(content)
  if (Result.isFailure(parsed)) return null
  for (const directive of allDirectives(parsed.success)) if (directive.name === name) return directive.args[0] ?? null
  return null
}

const isConfiguration = (path: string): boolean => path.endsWith(".conf")

/** Where a tree lives is read from the tree's own files, so that the check needs nothing else. */
const settingsOf = (tree: Pick<RenderedTree, "files">, logDirectory: string | null): ForbiddenSettings => {
  const root = single(tree.files, "nxmesh.conf", "include")?.replace(/\/http\/\*\.conf$/, "") ?? null
  const socket = single(tree.files, "http/90-proof.conf", "listen")?.replace(/^unix:/, "") ?? null
  const parentOf = (path: string) => path.replace(/\/[^/]*$/, "")
  return {
    treeFiles: new Set(
      root === null ? [] : tree.files.filter(({ path }) => !isConfiguration(path)).map(({ path }) => `${root}/${path}`)
    ),
    ownDirectories: [root, socket].filter((path) => path !== null).map(parentOf),
    logDirectory
  }
}

/** What is forbidden in one file. */
export type FileCheck = (file: RenderedFile, settings: ForbiddenSettings) => ReadonlyArray<ForbiddenDirective>

export const forbiddenInFile: FileCheck = (file, settings) => {
  const found = (line: number, directive: string, reason: string): ForbiddenDirective => ({
    file: file.path,
    line,
    directive,
    reason,
    resource: file.resource
  })
  const parsed = parseNginx(file.content)
  if (Result.isFailure(parsed)) return [found(parsed.failure.line, "", parsed.failure.message)]
  return Array.from(allDirectives(parsed.success)).flatMap((directive) => {
    const reason = forbiddenReason(directive, settings)
    return reason === null ? [] : [found(directive.line, directive.name, reason)]
  })
}

/**
 * Everything forbidden in a tree. The files that NxMesh writes by itself are not a tenant's text and are left out.
 * `check` is for whoever remembers what `forbiddenInFile` answered before.
 */
export const forbiddenIn = (
  tree: Pick<RenderedTree, "files">,
  { logDirectory = anyLogDirectory }: { readonly logDirectory?: string | null } = {},
  check: FileCheck = forbiddenInFile
): ReadonlyArray<ForbiddenDirective> => {
  const settings = settingsOf(tree, logDirectory)
  return tree.files
    .filter(({ path, resource }) => resource !== null && isConfiguration(path))
    .flatMap((file) => check(file, settings))
}

export interface SnippetProblem {
  /** In the snippet, from 1. */
  readonly line: number
  readonly message: string
}

const noTree: ForbiddenSettings = { treeFiles: new Set(), ownDirectories: [], logDirectory: null }

const snippetDirectiveProblem = (directive: Directive, logDirectory: string | null): string | null => {
  if (outsideSnippets.has(directive.name.toLowerCase())) return "has a field of its own and cannot be set by a snippet"
  return forbiddenReason(directive, { ...noTree, logDirectory })
}

/** What is wrong with a snippet by itself: its syntax, or what it holds. For the API, before anything is rendered. */
export const snippetProblems = (
  snippet: string,
  { logDirectory = anyLogDirectory }: { readonly logDirectory?: string | null } = {}
): ReadonlyArray<SnippetProblem> => {
  const parsed = parseNginx(snippet)
  if (Result.isFailure(parsed)) return [parsed.failure]
  return Array.from(allDirectives(parsed.success)).flatMap((directive) => {
    const problem = snippetDirectiveProblem(directive, logDirectory)
    return problem === null ? [] : [{ line: directive.line, message: `"${directive.name}" ${problem}` }]
  })
}

export interface FieldProblem {
  /** As in `locations[2].snippet`. */
  readonly field: string
  readonly message: string
}

/** What is wrong with a virtual host's snippets and directories, field by field. */
export const hostTextProblems = (
  host: Pick<VirtualHost, "snippet"> & { readonly locations: ReadonlyArray<Pick<Location, "snippet" | "root">> },
  options: { readonly logDirectory?: string | null } = {}
): ReadonlyArray<FieldProblem> => {
  const ofSnippet = (field: string, snippet: string | null) =>
    (snippet === null ? [] : snippetProblems(snippet, options)).map(({ line, message }) => ({
      field,
      message: `line ${line}: ${message}`
    }))
  const ofLocation = ({ root, snippet }: Pick<Location, "snippet" | "root">, index: number) => {
    const problem = root === null ? null : serveProblem(root, [])
    const field = `locations[${index}]`
    return [
      ...(problem === null ? [] : [{ field: `${field}.root`, message: problem }]),
      ...ofSnippet(`${field}.snippet`, snippet)
    ]
  }
  return [...ofSnippet("snippet", host.snippet), ...host.locations.flatMap(ofLocation)]
}
