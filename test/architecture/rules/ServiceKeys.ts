import { posix } from "node:path"
import type { RepositoryFile } from "./Repository.ts"
import { lineAt, readSource } from "./SourceText.ts"

const service = /\bclass\s+(\w+)\s+extends\s+Context\.Service<[\s\S]*?>\(\)\(\s*"([^"]*)"/g

/** Keys of services that do not say where the service lives. Two services with one key are one service at run time. */
export const wrongServiceKeys = (file: RepositoryFile): ReadonlyArray<string> => {
  const match = /^packages\/([^/]+)\/src\/(.*)$/.exec(file.path)
  if (match === null) return []
  const folder = posix.dirname(match[2] ?? "")
  const { uncommented } = readSource(file.text)
  return [...uncommented.matchAll(service)].flatMap((found) => {
    const [, name = "", key = ""] = found
    const wanted = posix.join("@nxmesh", match[1] ?? "", folder, name)
    return key === wanted
      ? []
      : [`${file.path}:${lineAt(uncommented, found.index)} has the key "${key}": write "${wanted}"`]
  })
}
