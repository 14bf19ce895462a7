/** Differences that people read: of two snapshots field by field, and of two rendered trees as unified diffs. */
import type { Difference, FileDifference } from "@nxmesh/protocol/model/ConfigVersion"
import { createTwoFilesPatch } from "diff"
import { Limits } from "../Limits.ts"
import { canonicalJson } from "./Generation.ts"

/** One step of a JSON Pointer (RFC 6901). */
const step = (name: string | number) => `/${String(name).replaceAll("~", "~0").replaceAll("/", "~1")}`

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const recordDifferences = (before: Record<string, unknown>, after: Record<string, unknown>, path: string) => {
  const names = Array.from(new Set([...Object.keys(before), ...Object.keys(after)])).sort()
  return names.flatMap((name): ReadonlyArray<Difference> => {
    const at = path + step(name)
    if (!Object.hasOwn(before, name)) return [{ path: at, operation: "add", after: after[name] }]
    if (!Object.hasOwn(after, name)) return [{ path: at, operation: "remove", before: before[name] }]
    return differences(before[name], after[name], at)
  })
}

/** Items are compared by position. */
const listDifferences = (before: ReadonlyArray<unknown>, after: ReadonlyArray<unknown>, path: string) => {
  const found: Array<Difference> = []
  for (let index = 0; index < Math.max(before.length, after.length); index++) {
    const at = path + step(index)
    if (index >= before.length) found.push({ path: at, operation: "add", after: after[index] })
    else if (index >= after.length) found.push({ path: at, operation: "remove", before: before[index] })
    else found.push(...differences(before[index], after[index], at))
  }
  return found
}

/** How `before` becomes `after`, both JSON data. Empty when they are equal. */
export const differences = (before: unknown, after: unknown, path = ""): ReadonlyArray<Difference> => {
  if (isRecord(before) && isRecord(after)) return recordDifferences(before, after, path)
  if (Array.isArray(before) && Array.isArray(after)) return listDifferences(before, after, path)
  if (before === undefined && after === undefined) return []
  if (before === undefined) return [{ path, operation: "add", after }]
  if (after === undefined) return [{ path, operation: "remove", before }]
  return canonicalJson(before) === canonicalJson(after) ? [] : [{ path, operation: "replace", before, after }]
}

interface File {
  readonly path: string
  readonly content: string
  /** 0600 marks a private key, whose content is never shown. */
  readonly mode?: number
}

const isSecret = (file: File | undefined) => file !== undefined && (file.mode === 0o600 || file.path.endsWith(".key"))

const unified = (path: string, before: File | undefined, after: File | undefined): string => {
  if (isSecret(before) || isSecret(after)) return "(a private key is not shown)\n"
  const [left, right] = [before?.content ?? "", after?.content ?? ""]
  if (left.length + right.length > Limits.nginx.diffFileCharactersMax) return "(too large to compare line by line)\n"
  const name = (file: File | undefined, side: string) => (file === undefined ? "/dev/null" : `${side}/${path}`)
  const patch = createTwoFilesPatch(name(before, "a"), name(after, "b"), left, right, undefined, undefined, {
    context: Limits.nginx.diffContextLines
  })
  return patch.replace(/^=+\n/, "")
}

/** The files that differ, sorted by path. */
export const fileDifferences = (
  beforeFiles: ReadonlyArray<File>,
  afterFiles: ReadonlyArray<File>
): ReadonlyArray<FileDifference> => {
  const before = new Map(beforeFiles.map((file) => [file.path, file]))
  const after = new Map(afterFiles.map((file) => [file.path, file]))
  const paths = Array.from(new Set([...before.keys(), ...after.keys()])).sort()
  return paths.flatMap((path): ReadonlyArray<FileDifference> => {
    const [left, right] = [before.get(path), after.get(path)]
    if (left?.content === right?.content) return []
    const operation = left === undefined ? "add" : right === undefined ? "remove" : "replace"
    return [{ path, operation, diff: unified(path, left, right) }]
  })
}
