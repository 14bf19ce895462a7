import { at, importsOf, libraryOf, packageOf, targetOf } from "./ImportList.ts"
import type { Import } from "./ImportList.ts"
import type { RepositoryFile } from "./Repository.ts"
import { readSource } from "./SourceText.ts"

/** What the sources of a package may import. */
interface Edge {
  /** Folders of the workspace, as paths from the root. */
  readonly workspace: ReadonlyArray<string>
  /** `declared`: the dependencies in its package.json. */
  readonly libraries: "declared" | ReadonlyArray<string>
  readonly node: boolean
  readonly instead: string
}

/** The edges between packages, as ARCHITECTURE.md draws them. Imports inside a package are always allowed. */
const edges: Readonly<Record<string, Edge>> = {
  protocol: {
    workspace: [],
    libraries: ["effect"],
    node: false,
    instead: "protocol runs in a browser and imports effect only: move what needs more to core"
  },
  core: {
    workspace: ["packages/protocol/src/model/", "packages/protocol/src/Ids.ts"],
    libraries: "declared",
    node: true,
    instead: "core knows the ids and the model of protocol only: pass the rest in, or move this to master or agent"
  },
  raft: {
    workspace: ["actor", "policy", "observe", "file"].map((room) => `packages/core/src/${room}/`),
    libraries: "declared",
    node: true,
    instead: "raft is of use without NxMesh: it takes actors, policies, observation and files from core, and no more"
  },
  master: {
    workspace: ["packages/core/src/", "packages/protocol/src/", "packages/raft/src/"],
    libraries: "declared",
    node: true,
    instead: "master builds on core, protocol and raft: what it shares with the agent crosses the link, in protocol"
  },
  agent: {
    workspace: ["packages/core/src/", "packages/protocol/src/"],
    libraries: "declared",
    node: true,
    instead: "agent builds on core and protocol: what it shares with the master crosses the link, in protocol"
  },
  web: {
    workspace: ["packages/protocol/src/"],
    libraries: "declared",
    node: false,
    instead: "the console is a client in a browser: it imports protocol and calls the API"
  },
  "master/cli": {
    workspace: ["packages/protocol/src/"],
    libraries: "declared",
    node: true,
    instead: "the operator's CLI is a client: it imports protocol and calls the API"
  },
  "raft/core": {
    workspace: [],
    libraries: [],
    node: false,
    instead: "the core of raft is the algorithm alone and imports nothing: time, chance and I/O come as inputs"
  }
}

/** Rooms of a package with edges of their own, which see nothing of the rest of it. */
const rooms = ["master/cli", "raft/core"]

/** The one file of a room that may look at one more folder, because it loads it only when it is asked to. */
const doors: Readonly<Record<string, string>> = {
  "packages/master/src/cli/Offline.ts": "packages/master/src/recovery/"
}

const passesDoor = (path: string, target: string): boolean => {
  const behind = doors[path]
  return behind !== undefined && target.startsWith(behind)
}

const roomOf = (path: string): string | undefined =>
  rooms.find((room) => path.startsWith(`packages/${room.replace("/", "/src/")}/`))

const edgeOf = (path: string): Edge | undefined => {
  const name = packageOf(path)
  return name === undefined ? undefined : edges[roomOf(path) ?? name]
}

const isInside = (path: string, target: string): boolean => {
  const room = roomOf(path)
  return room === undefined ? packageOf(path) === packageOf(target) : roomOf(target) === room
}

export interface Dependencies {
  /** The dependencies that the package.json of a package names. */
  readonly of: (packageName: string) => ReadonlyArray<string>
}

const judge = (file: RepositoryFile, item: Import, edge: Edge, dependencies: Dependencies): string | undefined => {
  const where = `${at(file, item.line)} imports ${item.specifier}`
  const target = targetOf(file.path, item.specifier)
  if (target !== undefined) {
    if (item.specifier.startsWith(".") && packageOf(file.path) !== packageOf(target)) {
      return `${where}: name another package by @nxmesh/<package>/<path>`
    }
    const allowed =
      isInside(file.path, target) ||
      passesDoor(file.path, target) ||
      edge.workspace.some((folder) => target.startsWith(folder))
    return allowed ? undefined : `${where}: ${edge.instead}`
  }
  if (item.specifier.startsWith("node:")) return edge.node ? undefined : `${where}: ${edge.instead}`
  const library = libraryOf(item.specifier)
  const libraries = edge.libraries === "declared" ? dependencies.of(packageOf(file.path) ?? "") : edge.libraries
  if (libraries.includes(library)) return undefined
  return `${where}: ${edge.libraries === "declared" ? `add ${library} to the dependencies in its package.json` : edge.instead}`
}

/** Imports of product sources that the edges between packages do not allow. */
export const forbiddenImports = (file: RepositoryFile, dependencies: Dependencies): ReadonlyArray<string> => {
  const edge = edgeOf(file.path)
  if (edge === undefined)
    return [`${file.path}: this package has no edges yet; name them in test/architecture/rules/Edges.ts`]
  return importsOf(file.text).flatMap((item) => judge(file, item, edge, dependencies) ?? [])
}

/** Agent and master meet on the link only; this holds for their tests too. */
export const agentMasterImports = (file: RepositoryFile): ReadonlyArray<string> => {
  const from = packageOf(file.path)
  return importsOf(file.text).flatMap((item) => {
    const to = packageOf(targetOf(file.path, item.specifier) ?? "")
    const crosses = (from === "agent" && to === "master") || (from === "master" && to === "agent")
    return crosses
      ? [
          `${at(file, item.line)} imports ${item.specifier}: agent and master never import each other; test both together in test/integration`
        ]
      : []
  })
}

const definesSomething = (text: string): boolean =>
  /^export\s+(abstract\s|async\s|declare\s)*(const|let|class|function|interface|type\s+\w)/m.test(readSource(text).code)

/** Files that only pass on what others define, and `export *`, which hides where a name comes from. */
export const barrels = (file: RepositoryFile): ReadonlyArray<string> => {
  if (/(^|\/)index\.ts$/.test(file.path)) return [`${file.path}: name the file after the one concept that it holds`]
  const onlyPassesOn = !definesSomething(file.text)
  return importsOf(file.text)
    .filter((item) => item.reexport && (onlyPassesOn || item.all))
    .map((item) => `${at(file, item.line)} re-exports ${item.specifier}: import it where it is defined`)
}
