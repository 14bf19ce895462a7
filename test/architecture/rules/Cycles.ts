import { at, importsOf, targetOf } from "./ImportList.ts"
import type { RepositoryFile } from "./Repository.ts"

/** A unit of the dependency graph: a first-level folder of a package's sources, or a file beside them. */
export const unitOf = (path: string): string | undefined => {
  const match = /^packages\/([^/]+)\/src\/([^/]+)/.exec(path)
  return match === null ? undefined : `${match[1]}/${match[2]}`
}

/** Which unit imports which, each with one import as an example. */
type Graph = ReadonlyMap<string, ReadonlyMap<string, string>>

export const unitGraph = (files: ReadonlyArray<RepositoryFile>): Graph => {
  const graph = new Map<string, Map<string, string>>()
  for (const file of files) {
    const from = unitOf(file.path)
    if (from === undefined) continue
    const targets = graph.get(from) ?? new Map<string, string>()
    graph.set(from, targets)
    for (const { line, specifier } of importsOf(file.text)) {
      const to = unitOf(targetOf(file.path, specifier) ?? "")
      if (to !== undefined && to !== from && !targets.has(to)) targets.set(to, at(file, line))
    }
  }
  return graph
}

const pathBack = (graph: Graph, start: string): ReadonlyArray<string> | undefined => {
  const seen = new Set<string>()
  const queue: Array<ReadonlyArray<string>> = [[start]]
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    for (const next of graph.get(path.at(-1) ?? start)?.keys() ?? []) {
      if (next === start) return [...path, start]
      if (seen.has(next)) continue
      seen.add(next)
      queue.push([...path, next])
    }
  }
  return undefined
}

const examples = (graph: Graph, cycle: ReadonlyArray<string>): string =>
  cycle
    .slice(1)
    .map((to, index) => graph.get(cycle[index] ?? "")?.get(to) ?? "")
    .join(", ")

/** Folders that need each other. Each cycle is told once, from its first unit by name. */
export const cycles = (files: ReadonlyArray<RepositoryFile>): ReadonlyArray<string> => {
  const graph = unitGraph(files)
  const told = new Set<string>()
  return [...graph.keys()].sort().flatMap((unit) => {
    const cycle = pathBack(graph, unit)
    if (cycle === undefined) return []
    const key = [...new Set(cycle)].sort().join(" ")
    if (told.has(key)) return []
    told.add(key)
    const advice = "move what both need into a folder of its own, or pass it in"
    return [`${cycle.join(" → ")} (${examples(graph, cycle)}): ${advice}`]
  })
}
