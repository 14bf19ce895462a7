/** One deployment of a real agent on a real nginx, killed or cut off at any of its changes of files; and what must hold then. */
import { Effect, Fiber, type Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { chmod, lstat, mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { NginxInstanceSettings } from "@nxmesh/agent/nginx/NginxInstance"
import { script } from "../../../support/Scripts.ts"
import { deployingOn } from "../Deploying.ts"
import { freePort, get, killAll, site, temporaryInstance, Trees } from "../Instance.ts"
import { afterCut, type Cut, type Disk, diskOf, file, type Found, type Node, step } from "./DiskModel.ts"
import type { FileCall } from "./FileCalls.ts"

const runner = await script("agentWithFaults")

/** Of an agent that serves neither what it served nor what it was given, or is not fit to go on. */
export class FaultFound extends Error {}

const demand = (holds: boolean, what: string): void => {
  if (!holds) throw new FaultFound(what)
}

const start = (instance: NginxInstanceSettings, ...rest: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, [runner, instance.prefix ?? "", ...rest], { stdio: ["pipe", "pipe", "inherit"] })
    ),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )

const ended = (child: ChildProcess) =>
  Effect.callback<string>((resume) => {
    child.once("close", (code, signal) => resume(Effect.succeed(signal ?? String(code))))
  })

const firstLine = (child: ChildProcess) =>
  Effect.callback<void>((resume) => {
    child.stdout?.once("data", () => resume(Effect.void))
  })

/** What lies below, as the model has it. Sockets and what nginx keeps open do not outlive a power cut. */
const diskBelow = async (root: string): Promise<ReadonlyMap<string, Node>> => {
  const names = new Map<string, Node>()
  const inodes = new Map<number, Node>()
  for (const name of await readdir(root, { recursive: true })) {
    const path = join(root, name)
    const status = await lstat(path)
    if (status.isSymbolicLink()) names.set(path, { kind: "symlink", target: await readlink(path) })
    else if (status.isDirectory()) names.set(path, { kind: "directory" })
    else if (status.isFile()) {
      const known = inodes.get(status.ino) ?? file(await readFile(path), status.mode & 0o777)
      inodes.set(status.ino, known)
      names.set(path, known)
    }
  }
  return names
}

export interface Recorded {
  readonly instance: NginxInstanceSettings
  readonly port: number
  /** When "one" was settled. */
  readonly before: ReadonlyMap<string, Node>
  /** All that the deployment of "two" changed, in order. */
  readonly trace: ReadonlyArray<FileCall>
}

/** A deployment that nothing disturbs. */
export const record: Effect.Effect<Recorded, never, Scope.Scope> = Effect.gen(function* () {
  const instance = yield* temporaryInstance
  const port = yield* freePort
  const root = instance.prefix ?? ""
  const child = yield* start(instance, String(port))
  let output = ""
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()))
  yield* Effect.raceFirst(
    firstLine(child),
    Effect.flatMap(ended(child), (how) =>
      Effect.die(new FaultFound(`the agent ended with ${how} before its deployment`))
    )
  )
  const before = yield* Effect.promise(() => diskBelow(root))
  child.stdin.write("go\n")
  yield* ended(child)
  const trace = JSON.parse(output.trim().split("\n").at(-1) ?? "[]") as ReadonlyArray<FileCall>
  return { instance, port, before, trace }
})

export const describeCall = (call: FileCall): string => {
  const place = (path: string) => path.replace(/^.*\/nxmesh-agent-[^/]+\//, "")
  return "to" in call ? `${call.kind} ${place(call.path)} ${place(call.to)}` : `${call.kind} ${place(call.path)}`
}

/** Asks all the time, from the first answer on, and collects what is neither of the two texts. */
const watch = (port: number, wrong: Array<string | null>) =>
  Effect.gen(function* () {
    while ((yield* get(port, "a.test")) === null) yield* Effect.sleep("10 millis")
    while (true) {
      // A connection that closed as its worker left is asked again once: nginx's own race.
      const answer = (yield* get(port, "a.test")) ?? (yield* get(port, "a.test"))
      if (answer !== "one" && answer !== "two") wrong.push(answer)
      yield* Effect.sleep("5 millis")
    }
  })

/** An agent that starts here serves one of the two trees whole, knows which, left nothing behind, and deploys the next. */
const isFit = (instance: NginxInstanceSettings, port: number, expected: ReadonlyArray<string>) =>
  deployingOn(instance, new Trees(), ({ apply, deployer }) =>
    Effect.gen(function* () {
      const serves = yield* get(port, "a.test")
      demand(expected.includes(String(serves)), `it serves ${serves} and not ${expected.join(" or ")}`)
      demand((yield* get(port, "c.test")) === "kept", "it lost the host that did not change")
      const { directory } = yield* deployer.current
      const link = yield* Effect.promise(() => readlink(join(instance.confDirectory, "current")))
      demand(link === directory, `current names ${link}, and the agent thinks ${directory}`)
      const left = yield* Effect.promise(() => readdir(instance.confDirectory))
      const trees = left.filter((name) => /^\d{14}-/.test(name))
      demand(trees.length <= 3, `${trees.length} trees are left`)
      const strange = left.filter((name) => name !== "current" && !trees.includes(name))
      demand(strange.length === 0, `${strange.join(", ")} is left in the configuration directory`)
      const next = yield* apply([site("a.test", port, "three"), site("c.test", port, "kept")])
      demand(next.status === "settled", `the next deployment: ${JSON.stringify(next.error)}`)
      demand((yield* get(port, "a.test")) === "three", "the next deployment does not serve")
    })
  )

/** The agent dies at its `call`-th change, from 1; with `torn` in the middle of it. nginx serves throughout. */
export const survivesKill = (call: number, torn: boolean) =>
  Effect.gen(function* () {
    const instance = yield* temporaryInstance
    const port = yield* freePort
    const wrong: Array<string | null> = []
    const watcher = yield* Effect.forkScoped(watch(port, wrong))
    const child = yield* start(instance, String(port), String(call), ...(torn ? ["torn"] : []))
    const how = yield* ended(child)
    demand(how === "SIGKILL", `the agent ended with ${how} and was not killed`)
    yield* Effect.scoped(isFit(instance, port, ["one", "two"]))
    yield* Fiber.interrupt(watcher)
    demand(
      wrong.every((answer) => answer === "three"),
      `nginx answered ${wrong.join(", ")}`
    )
  }).pipe(Effect.scoped)

const put = async (root: string, found: ReadonlyMap<string, Found>) => {
  for (const name of await readdir(root)) await rm(join(root, name), { recursive: true, force: true })
  for (const [path, node] of [...found].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (node.kind === "directory") await mkdir(path, { recursive: true })
    else if (node.kind === "symlink") await symlink(node.target, path)
    else {
      await writeFile(path, node.bytes)
      await chmod(path, node.mode)
    }
  }
}

/** The disk when the power goes after so many of the changes. */
export const diskAfter = ({ before, trace }: Recorded, changes: number): Disk => {
  const disk = diskOf(structured(before))
  for (const call of trace.slice(0, changes)) step(disk, call)
  return disk
}

/** Copies, because a disk changes its inodes; hard links stay so. */
const structured = (names: ReadonlyMap<string, Node>): ReadonlyMap<string, Node> => {
  const copies = new Map<Node, Node>()
  const copy = (node: Node): Node => {
    const known = copies.get(node)
    if (known !== undefined) return known
    const made = node.kind === "file" ? file(node.inode.bytes, node.inode.mode) : node
    copies.set(node, made)
    return made
  }
  return new Map([...names].map(([path, node]) => [path, copy(node)]))
}

/** The power goes after so many changes; every process dies, and the machine starts with what is on the disk. */
export const survivesCut = (recorded: Recorded, changes: number, cut: Cut) =>
  Effect.gen(function* () {
    const { instance, port } = recorded
    yield* killAll(instance)
    yield* Effect.promise(() => put(instance.prefix ?? "", afterCut(diskAfter(recorded, changes), cut)))
    const settled = changes === recorded.trace.length
    yield* Effect.scoped(isFit(instance, port, settled ? ["two"] : ["one", "two"]))
  })
