/**
 * How a sidecar's agent can have a staged tree tested. Tier 1: nginx's own `-T`, run inside the container's root, of a copy of nginx.conf
 * beside it. Tier 2, where that is not allowed: the reload itself. nginx keeps its configuration when it refuses a new one, and the
 * proof and the way back do the rest (design-nginx.md, "Life and death of nginx").
 */
import { Effect } from "effect"
import { access, constants } from "node:fs/promises"
import { dirname, isAbsolute, join } from "node:path"
import { Limits } from "../Limits.ts"
import * as Container from "./Container.ts"
import type { NginxError } from "./NginxError.ts"
import * as NginxBinary from "./NginxBinary.ts"
import type { NginxInstanceSettings } from "./NginxInstance.ts"
import type { NginxCommand } from "./NginxProcess.ts"

export interface SidecarTest {
  readonly mode: "chroot" | "reload"
  /** Why it is not tier 1, and what to change. */
  readonly missing: string | null
}

/** Where the master reads its configuration, as nginx sees it: its `-c`, or what its build says. */
export const configurationFile = Effect.fnUntraced(function* (
  instance: NginxInstanceSettings,
  nginx: NginxCommand
): Effect.fn.Return<string, NginxError> {
  const { configurationFile: given, prefix } = nginx.arguments
  if (given !== null && isAbsolute(given)) return given
  const built = yield* NginxBinary.version(instance, nginx)
  const path = given ?? /--conf-path=(\S+)/.exec(built)?.[1] ?? "conf/nginx.conf"
  return isAbsolute(path) ? path : join(prefix ?? /--prefix=(\S+)/.exec(built)?.[1] ?? "/usr/local/nginx", path)
})

const allows = (path: () => string, mode: number) =>
  Effect.promise(async () => {
    try {
      await access(path(), mode)
      return true
    } catch {
      return false
    }
  })

const tierTwo = (missing: string): SidecarTest => ({ mode: "reload", missing })

/** Tried, not deduced: kernels and runtimes differ in what they allow to whom. */
export const find = Effect.fn("SidecarTest.find")(function* (
  instance: NginxInstanceSettings,
  nginx: NginxCommand
): Effect.fn.Return<SidecarTest> {
  const root = Container.rootOf(instance, nginx)
  if (root === null) return tierTwo("nginx does not run, so there is no root to test in")
  if (!(yield* allows(() => `${root}/`, constants.X_OK))) {
    return tierTwo(
      "nginx's files cannot be reached by /proc: run the agent as nginx's user, with the capabilities that nginx's container has"
    )
  }
  const probe = yield* Effect.result(
    NginxBinary.run(instance, nginx, { arguments: ["-v"], timeout: Limits.nginxVersionTimeout })
  )
  if (probe._tag === "Failure" || probe.success.exitCode !== 0) {
    const words = probe._tag === "Failure" ? probe.failure.message : probe.success.stderr.trim()
    return tierTwo(`nginx's binary cannot be run in its container (${words}): give the agent the capability SYS_CHROOT`)
  }
  const file = yield* Effect.result(configurationFile(instance, nginx))
  if (file._tag === "Failure") return tierTwo(file.failure.message)
  const directory = dirname(file.success)
  return (yield* allows(() => Container.pathInside(root, directory), constants.W_OK | constants.X_OK))
    ? { mode: "chroot", missing: null }
    : tierTwo(`${directory} of nginx's container is read-only: the copy of nginx.conf that is tested has to lie there`)
})
