import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

/** A file of the repository: its path from the root, with `/`, and its text. */
export interface RepositoryFile {
  readonly path: string
  readonly text: string
}

export const repositoryRoot = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..")

const notOurs = new Set(["node_modules", ".git", ".nxmesh", ".bench", ".vitest", "dist"])

const walk = (folder: string): ReadonlyArray<string> =>
  readdirSync(join(repositoryRoot, folder), { withFileTypes: true }).flatMap((entry) => {
    if (notOurs.has(entry.name)) return []
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`
    return entry.isDirectory() ? walk(path) : entry.isFile() ? [path] : []
  })

/** Every file with one of the endings. */
export const filesEnding = (...endings: ReadonlyArray<string>): ReadonlyArray<RepositoryFile> =>
  walk("")
    .filter((path) => endings.some((ending) => path.endsWith(ending)))
    .map((path) => ({ path, text: readFileSync(join(repositoryRoot, path), "utf8") }))

export const readFileOfRepository = (path: string): string => readFileSync(join(repositoryRoot, path), "utf8")

export const exists = (path: string): boolean => existsSync(join(repositoryRoot, path))

export const packageNames: ReadonlyArray<string> = readdirSync(join(repositoryRoot, "packages"))

/** Sources of the product: what the bans and the edges hold for. */
export const isProductSource = (path: string): boolean => /^packages\/[^/]+\/src\/.*\.tsx?$/.test(path)
