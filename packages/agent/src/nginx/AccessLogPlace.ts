/**
 * Where the tree has nginx write the log that the agent reads. It is asked at each rendering: a directory that is not there would
 * make nginx refuse the tree, and a log must never cost a deployment.
 */
import { parseNginx } from "@nxmesh/core/nginx/Parse"
import type { AccessLogPlace } from "@nxmesh/core/nginx/AccessLog"
import type { Layout } from "@nxmesh/core/nginx/Layout"
import { Context, Effect, Ref, Result } from "effect"
import { access, constants, readFile, stat } from "node:fs/promises"
import { join } from "node:path"
import { geteuid } from "node:process"
import * as Container from "./Container.ts"
import type { NginxInstanceSettings } from "./NginxInstance.ts"
import * as NginxProcess from "./NginxProcess.ts"

/** Not `*.log`: the distribution's logrotate takes those, and this one the agent rotates itself. */
export const accessLogFile = "nxmesh-access.json"

const hasOwnAccessLog = (text: string): boolean => {
  const parsed = parseNginx(text)
  if (Result.isFailure(parsed)) return false
  const http = parsed.success.find(({ name }) => name === "http")
  return http?.block?.some(({ name }) => name === "access_log") === true
}

/**
 * Why no log is written into foreign configuration, or `null`. nginx has a built-in `access_log` where the http block names none,
 * and any other takes its place: the operator's log would end without a word.
 */
export const foreignProblem = (path: string, text: string): string | null =>
  hasOwnAccessLog(text)
    ? null
    : `access logs are not collected: the http block of ${path} has no access_log, and one of NxMesh's would replace nginx's built-in one; name it there, as in "access_log /var/log/nginx/access.log;"`

/** What nginx would make of the directory: the tree that names a file which it cannot open is refused. */
export interface DirectorySeen {
  readonly ownerUid: number
  /** The agent rotates the log, so it has to write there too. */
  readonly isWritable: boolean
  readonly agentUid: number
  /** `null` while none runs. */
  readonly nginxUid: number | null
}

/** Why a log cannot be there, or `null`. Pure. */
export const directoryProblem = (path: string, found: DirectorySeen | null): string | null => {
  const refuse = (why: string) =>
    `access logs are not collected: ${path} ${why}; set NXMESH_NGINX_LOG_DIR to a directory that nginx and the agent may write to, or NXMESH_ACCESS_LOGS=false`
  if (found === null) return refuse("is no directory")
  if (!found.isWritable) return refuse("is not writable for the agent, which has to rotate them")
  const { agentUid, nginxUid, ownerUid } = found
  const mayWrite = nginxUid === null || nginxUid === 0 || nginxUid === agentUid || nginxUid === ownerUid
  return mayWrite ? null : refuse(`is not writable for nginx, which runs as uid ${nginxUid}`)
}

const uidOf = (pid: number) =>
  Effect.promise(() =>
    stat(`/proc/${pid}`).then(
      ({ uid }) => uid,
      () => null
    )
  )

const look = (path: string, nginxUid: number | null): Effect.Effect<DirectorySeen | null> =>
  Effect.promise(async () => {
    const found = await stat(path).catch(() => null)
    if (found?.isDirectory() !== true) return null
    const isWritable = await access(path, constants.W_OK | constants.X_OK).then(
      () => true,
      () => false
    )
    return { ownerUid: found.uid, isWritable, agentUid: geteuid?.() ?? 0, nginxUid }
  })

const usualConfiguration = "/etc/nginx/nginx.conf"

/** The agent's path of a file that nginx sees. */
export const reach = (instance: NginxInstanceSettings, path: string): Effect.Effect<string> =>
  Effect.map(Effect.result(NginxProcess.find(instance.pidFile)), (master) => {
    const root = master._tag === "Success" ? Container.rootOf(instance, master.success) : null
    return root === null ? path : Container.pathInside(root, path)
  })

export type AccessLogAnswer =
  | { readonly place: AccessLogPlace; readonly problem: null }
  | { readonly place: null; readonly problem: string }

/** Where the log may be, or why nowhere. */
export const find = Effect.fn("AccessLogPlace.find")(function* (
  instance: NginxInstanceSettings,
  { logDirectory, ownsMainContext }: Pick<Layout, "logDirectory" | "ownsMainContext">
): Effect.fn.Return<AccessLogAnswer> {
  if (logDirectory === null) return { place: null, problem: "access logs are not collected: set NXMESH_NGINX_LOG_DIR" }
  const master = yield* Effect.result(NginxProcess.find(instance.pidFile))
  const nginxUid = master._tag === "Success" ? yield* uidOf(master.success.pid) : null
  const problem = directoryProblem(logDirectory, yield* look(yield* reach(instance, logDirectory), nginxUid))
  if (problem !== null) return { place: null, problem }
  const path = join(logDirectory, accessLogFile)
  if (ownsMainContext) return { place: { path, ownHostsOnly: false }, problem }
  const main = (master._tag === "Success" ? master.success.arguments.configurationFile : null) ?? usualConfiguration
  const file = yield* reach(instance, main)
  const foreign = foreignProblem(main, yield* Effect.promise(() => readFile(file, "utf8").catch(() => "")))
  return foreign === null
    ? { place: { path, ownHostsOnly: true }, problem: foreign }
    : { place: null, problem: foreign }
})

/** The place of the next rendering, for whoever renders; none unless the agent's settings say so. */
export const AccessLogChoice = Context.Reference<Effect.Effect<AccessLogPlace | null>>(
  "@nxmesh/agent/nginx/AccessLogChoice",
  { defaultValue: () => Effect.succeed(null) }
)

/** Says why there is none when that changes: a deployment is no place for the same words each time. */
export const choice = (
  instance: NginxInstanceSettings,
  layout: Pick<Layout, "logDirectory" | "ownsMainContext">
): Effect.Effect<Effect.Effect<AccessLogPlace | null>> =>
  Effect.map(Ref.make<string | null>(null), (said) =>
    Effect.gen(function* () {
      const { place, problem } = yield* find(instance, layout)
      const before = yield* Ref.getAndSet(said, problem)
      if (problem !== null && problem !== before) yield* Effect.logWarning(problem)
      return place
    })
  )
