/** Reads the facts about this process and its nginx from /proc. */
import { Effect } from "effect"
import { readFile, stat } from "node:fs/promises"
import { geteuid, kill } from "node:process"
import type { DeploymentMode } from "@nxmesh/protocol/model/Agent"
import * as Container from "../nginx/Container.ts"
import { asNginxSees, type NginxInstanceSettings } from "../nginx/NginxInstance.ts"
import * as NginxProcess from "../nginx/NginxProcess.ts"
import * as ProcessTable from "../nginx/ProcessTable.ts"
import * as SidecarTest from "../nginx/SidecarTest.ts"
import * as Validation from "../nginx/Validation.ts"
import { type MasterFacts, type ModeCapabilities, modeCapabilities, type ModeFacts } from "./ModeCapabilities.ts"

/** Bits of the capability sets (linux/capability.h): those that decide what the agent can do. */
const bits = { dac_override: 1, kill: 5, sys_chroot: 18, sys_ptrace: 19, sys_admin: 21 } as const

/** Parses `CapEff` of /proc/PID/status. */
export const parseCapabilitySet = (status: string): ReadonlyArray<string> => {
  const set = /^CapEff:\s+([0-9a-f]+)$/m.exec(status)?.[1]
  if (set === undefined) return []
  const held = BigInt(`0x${set}`)
  return Object.entries(bits).flatMap(([name, bit]) => ((held >> BigInt(bit)) & 1n ? [name] : []))
}

/** Parses the effective uid of /proc/PID/status. */
export const parseUid = (status: string): number | null => {
  const uid = /^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1]
  return uid === undefined ? null : Number(uid)
}

const statusOf = (pid: number | "self") => Effect.promise(() => readFile(`/proc/${pid}/status`, "utf8").catch(() => ""))

const maySignal = (pid: number): boolean => {
  try {
    kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Whether both paths name one directory; `null` when either cannot be looked at. */
const sameDirectory = (one: () => string, other: () => string): Effect.Effect<boolean | null> =>
  Effect.promise(async () => {
    try {
      const [left, right] = await Promise.all([stat(one()), stat(other())])
      return left.dev === right.dev && left.ino === right.ino
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === "ENOENT" ? false : null
    }
  })

const sharesNetwork = (pid: number): boolean | null => {
  const theirs = ProcessTable.link(pid, "ns/net")
  return theirs === null ? null : theirs === ProcessTable.link(process.pid, "ns/net")
}

const masterFacts = Effect.fnUntraced(function* (instance: NginxInstanceSettings, master: NginxProcess.NginxMaster) {
  const root = Container.rootOf(instance, master)
  const { confDirectory } = asNginxSees(instance)
  return {
    pid: master.pid,
    uid: parseUid(yield* statusOf(master.pid)),
    signalable: maySignal(master.pid),
    test: root === null ? null : yield* SidecarTest.find(instance, master),
    sharesConfiguration:
      root === null
        ? null
        : yield* sameDirectory(
            () => instance.confDirectory,
            () => Container.pathInside(root, confDirectory)
          ),
    sharesNetwork: root === null ? null : sharesNetwork(master.pid)
  } satisfies MasterFacts
})

/** Everything that decides, as it is at this moment. */
export const detect = Effect.fn("Detection.detect")(function* (
  instance: NginxInstanceSettings,
  mode: DeploymentMode
): Effect.fn.Return<ModeFacts> {
  const master = yield* Effect.result(NginxProcess.find(instance.pidFile))
  return {
    mode,
    ownsNginx: instance.prefix !== null,
    uid: geteuid?.() ?? 0,
    capabilities: parseCapabilitySet(yield* statusOf("self")),
    standaloneTest: instance.sidecar === true ? "reload" : yield* Validation.detectMode,
    master: master._tag === "Success" ? yield* masterFacts(instance, master.success) : null
  }
})

/** What this agent can do; looked at anew each time, because containers come and go. */
export const capabilities: (
  instance: NginxInstanceSettings,
  mode: DeploymentMode
) => Effect.Effect<ModeCapabilities> = (instance, mode) => Effect.map(detect(instance, mode), modeCapabilities)
