/** Findings as the masters are told of them: bounded, and without the text of a key. */
import { fileDifferences } from "@nxmesh/core/nginx/Diff"
import { Limits as WireLimits } from "@nxmesh/protocol/Limits"
import type { Drift, DriftedFile, DriftResponse } from "@nxmesh/protocol/model/Drift"
import { Limits } from "../Limits.ts"
import type { Finding } from "./DriftJudgement.ts"

/** What can be shown of a file; `null` when there is no such text, or it must not be shown. */
export interface Texts {
  readonly settled: string | null
  readonly found: string | null
  readonly isSecret: boolean
}

const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----/

const bounded = (diff: string): string => {
  if (diff.length <= WireLimits.driftDiffCharactersMax) return diff
  const more = "\n(more differs)\n"
  const cut = diff.slice(0, WireLimits.driftDiffCharactersMax - more.length)
  // Half of a surrogate pair is no text.
  return cut.replace(/[\uD800-\uDBFF]$/, "") + more
}

/**
 * Whether comparing is quick: its time grows with the lines times those that differ (Myers, 1986), and what was found is anyone's.
 * Lines that both begin and end with cost nothing.
 */
const isComparable = (settled: string, found: string): boolean => {
  const [before, after] = [settled.split("\n"), found.split("\n")]
  const least = Math.min(before.length, after.length)
  let start = 0
  while (start < least && before[start] === after[start]) start++
  let end = 0
  while (end < least - start && before[before.length - 1 - end] === after[after.length - 1 - end]) end++
  return Math.max(before.length, after.length) - start - end <= Limits.driftLinesComparedMax
}

const note = (text: string): string => `(${text})\n`

const compared = ({ kind, path }: Finding, { found, isSecret, settled }: Texts): string => {
  if (kind !== "changed" && kind !== "missing" && kind !== "added") return ""
  if (isSecret || privateKey.test(settled ?? "") || privateKey.test(found ?? ""))
    return note("a private key is not shown")
  if (kind !== "added" && settled === null) return note("what settled is not known here any more")
  if (kind !== "missing" && found === null) return note("what was found is no text that can be compared")
  const before = settled === null || kind === "added" ? [] : [{ path, content: settled }]
  const after = found === null || kind === "missing" ? [] : [{ path, content: found }]
  if (!isComparable(before[0]?.content ?? "", after[0]?.content ?? ""))
    return note("too much differs to compare line by line")
  return fileDifferences(before, after)[0]?.diff ?? ""
}

/** A note says what a comparison of texts cannot. */
const fileOf = (finding: Finding, texts: Texts): DriftedFile => {
  const { detail, kind, path } = finding
  const diff = detail === null ? compared(finding, texts) : note(detail)
  return { kind, path: path.slice(0, WireLimits.pathCharactersMax), diff: bounded(diff) }
}

export const driftOf = (
  about: Pick<Drift, "found_at" | "generation">,
  response: DriftResponse,
  findings: ReadonlyArray<Finding>,
  textsOf: (finding: Finding) => Texts
): Drift => {
  const shown = findings.slice(0, WireLimits.driftedFilesMax)
  return {
    ...about,
    response,
    files: shown.map((finding) => fileOf(finding, textsOf(finding))),
    omitted: findings.length - shown.length
  }
}

/** What was found in the tree and what was found around it, as one: the tree's word counts. */
export const merged = (tree: Drift | null, outside: Drift | null): Drift | null => {
  if (tree === null || outside === null) return tree ?? outside
  const files = [...tree.files, ...outside.files]
  const shown = files.slice(0, WireLimits.driftedFilesMax)
  return { ...tree, files: shown, omitted: tree.omitted + outside.omitted + files.length - shown.length }
}

/** The same findings again say nothing that was not said. */
export const signatureOf = (generation: string, findings: ReadonlyArray<Finding>): string =>
  JSON.stringify([
    generation,
    findings.map(({ changedMillis, detail, kind, path }) => [kind, path, detail, changedMillis])
  ])
