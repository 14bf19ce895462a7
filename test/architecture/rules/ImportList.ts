import { posix } from "node:path"
import type { RepositoryFile } from "./Repository.ts"
import { lineAt, readSource } from "./SourceText.ts"

export interface Import {
  readonly specifier: string
  readonly line: number
  /** `export … from`: the file passes on what another file defines. */
  readonly reexport: boolean
  /** `import * as` or `export *`. */
  readonly all: boolean
}

const statement = /\b(import|export)\b(?:[^"';]*?\bfrom)?\s*\(?\s*(["'])/g

/** Every import of a file: static, of types, re-exported and dynamic ones with a literal. */
export const importsOf = (text: string): ReadonlyArray<Import> => {
  const { code, uncommented } = readSource(text)
  return [...code.matchAll(statement)].flatMap((match) => {
    const start = match.index + match[0].length
    const end = code.indexOf(match[2] ?? '"', start)
    const isFrom = /\bfrom\s*["']$/.test(match[0])
    // `export const a = "b"` has a string, but imports nothing.
    if (match[1] === "export" && !isFrom) return []
    return [
      {
        specifier: uncommented.slice(start, end),
        line: lineAt(text, match.index),
        reexport: match[1] === "export",
        all: match[0].includes("*")
      }
    ]
  })
}

/** The file that an import inside the workspace names, as a path from the root; undefined for a library. */
export const targetOf = (from: string, specifier: string): string | undefined => {
  if (specifier.startsWith(".")) return posix.normalize(posix.join(posix.dirname(from), specifier))
  const match = /^@nxmesh\/([^/]+)\/(.+)$/.exec(specifier)
  return match === null ? undefined : `packages/${match[1]}/src/${match[2]}.ts`
}

/** The package whose source or test a path is. */
export const packageOf = (path: string): string | undefined => /^packages\/([^/]+)\//.exec(path)?.[1]

/** The library that a specifier names, without the path inside it. */
export const libraryOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/")

export const at = (file: RepositoryFile, line: number): string => `${file.path}:${line}`
