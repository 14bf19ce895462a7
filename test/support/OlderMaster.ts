/**
 * The master as a build of before knew it: cluster version 1 alone, and none of the commands that came with a later one (fields
 * that came later are in commands that it knows, and are not sent below their version). A
 * program like the master's own, with the same settings. The modules that say what a build knows are changed as they are
 * loaded, so everything else is today's: what follows from a version is tested, and not what else an old release did.
 */
import { registerHooks } from "node:module"
import type { ClusterVersionRange } from "../../packages/protocol/src/model/Master.ts"

const versions = new URL("../../packages/protocol/src/ClusterVersion.ts", import.meta.url).href

/** Under a name of its own: the master's module of that name is loaded below, changed. */
const { clusterVersions, since }: { clusterVersions: ClusterVersionRange; since: object } = await import(
  `${versions}?complete`
)

const older = 1
const newer = JSON.stringify(
  Object.entries(since).flatMap(([tag, version]) => (typeof version === "number" && version > older ? [tag] : []))
)
const without = `((all) => Object.fromEntries(Object.entries(all).filter(([tag]) => !${newer}.includes(tag))))`

/** By the end of a module's path: what stands there, and what an older build has instead. */
const changes: Readonly<Record<string, readonly [from: string, to: string]>> = {
  "/protocol/src/ClusterVersion.ts": [`highest: ${clusterVersions.highest} }`, `highest: ${older} }`],
  "/protocol/src/Command.ts": [
    "export const Command = Schema.TaggedUnion({",
    `export const Command = ((all) => Schema.TaggedUnion(${without}(all)))({`
  ],
  "/master/src/state/replica/ReadCommand.ts": [
    "Object.hasOwn(handlers, command._tag)",
    `Object.hasOwn(${without}(handlers), command._tag)`
  ],
  "/master/src/Version.ts": ["= manifest.version", '= "0.0.9"']
}

registerHooks({
  load: (url, context, next) => {
    const loaded = next(url, context)
    const found = Object.entries(changes).find(([end]) => url.endsWith(end))
    if (found === undefined) return loaded
    const [from, to] = found[1]
    const source = String(loaded.source)
    if (!source.includes(from)) throw new Error(`${url} does not say any more: ${from}`)
    return { ...loaded, source: source.replace(from, () => to) }
  }
})

await import("../../packages/master/src/main.ts")
