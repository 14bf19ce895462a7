import { posix } from "node:path"
import type { RepositoryFile } from "./Repository.ts"
import { lineAt } from "./SourceText.ts"

const link = /\[[^\]]*\]\(([^)\s]+)[^)]*\)/g

/** Code is not prose: links in it are examples. */
const withoutCode = (text: string): string =>
  text.replace(/^(```|~~~)[\s\S]*?^\1/gm, blank).replace(/`[^`\n]*`/g, blank)

const blank = (text: string): string => text.replace(/[^\n]/g, " ")

/** The anchor that GitHub gives a heading. */
export const anchorOf = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/\s/g, "-")

/** Headings are found where code is blanked, and read where it is not: a heading may quote code. */
const anchorsOf = (text: string): ReadonlyArray<string> =>
  [...withoutCode(text).matchAll(/^#{1,6}\s.*$/gm)].map((match) =>
    anchorOf(text.slice(match.index, match.index + match[0].length).replace(/^#+/, ""))
  )

export interface Tree {
  readonly exists: (path: string) => boolean
  readonly read: (path: string) => string
}

const judge = (file: RepositoryFile, target: string, tree: Tree): string | undefined => {
  const [path = "", anchor] = target.split("#")
  const resolved = path === "" ? file.path : posix.join(posix.dirname(file.path), decodeURIComponent(path))
  if (resolved.startsWith("..")) return "leads out of the repository: name a file inside it"
  if (!tree.exists(resolved)) return "leads nowhere: correct it, or write the file"
  if (anchor === undefined || !resolved.endsWith(".md")) return undefined
  return anchorsOf(tree.read(resolved)).includes(anchor)
    ? undefined
    : "names no heading of that file: use the heading's anchor"
}

/** Relative links of a document that lead nowhere. Addresses on the network are not looked up. */
export const brokenLinks = (file: RepositoryFile, tree: Tree): ReadonlyArray<string> =>
  [...withoutCode(file.text).matchAll(link)].flatMap((match) => {
    const target = match[1] ?? ""
    if (/^[a-z][a-z+.-]*:/i.test(target)) return []
    const problem = judge(file, target, tree)
    return problem === undefined ? [] : [`${file.path}:${lineAt(file.text, match.index)} link ${target} ${problem}`]
  })
