/**
 * `nxmesh-agent doctor`: whether the agent can work with the nginx here, and what to change where it cannot. It looks and
 * changes nothing; the agent never edits nginx.conf.
 */
import { Effect } from "effect"
import { access, constants, stat } from "node:fs/promises"
import { dirname } from "node:path"
import { Limits } from "../Limits.ts"
import type { DeploymentMode } from "@nxmesh/protocol/model/Agent"
import * as Detection from "../modes/Detection.ts"
import { type ModeCapabilities, modeCapabilities, type ModeFacts } from "../modes/ModeCapabilities.ts"
import * as Inspection from "../nginx/Inspection.ts"
import * as NginxBinary from "../nginx/NginxBinary.ts"
import { NginxFacts } from "../nginx/NginxFacts.ts"
import { asNginxSees, NginxInstance, type NginxInstanceSettings } from "../nginx/NginxInstance.ts"
import * as NginxProcess from "../nginx/NginxProcess.ts"
import * as Validation from "../nginx/Validation.ts"

export interface Finding {
  /** `problem` keeps the agent from working; `advice` costs something, and says what. */
  readonly level: "ok" | "advice" | "problem"
  readonly message: string
}

const ok = (message: string): Finding => ({ level: "ok", message })
const advice = (message: string): Finding => ({ level: "advice", message })
const problem = (message: string): Finding => ({ level: "problem", message })

const check = (path: string, mode: number): Effect.Effect<boolean> =>
  Effect.promise(() =>
    access(path, mode).then(
      () => true,
      () => false
    )
  )

/** The directory, or the nearest one above it that is there: the agent makes the rest. */
const writable = Effect.fnUntraced(function* (path: string, purpose: string) {
  let nearest = path
  while (nearest !== dirname(nearest) && !(yield* check(nearest, constants.F_OK))) nearest = dirname(nearest)
  if (yield* check(nearest, constants.W_OK | constants.X_OK)) {
    return ok(`${path} ${nearest === path ? "is writable" : "can be made"} (${purpose})`)
  }
  return problem(
    `${path} is not writable (${purpose}): give the agent's user the right to write there, or run it as root`
  )
})

const privateRuntime = Effect.fnUntraced(function* (path: string) {
  const found = yield* Effect.promise(() => stat(path).catch(() => null))
  return found !== null && (found.mode & 0o077) !== 0
    ? problem(`${path} must be 0700: the proof socket in it answers whoever reaches it; chmod 700 ${path}`)
    : null
})

const dump = Effect.fnUntraced(function* (instance: NginxInstanceSettings, master: NginxProcess.NginxMaster) {
  return yield* NginxBinary.run(instance, master, {
    arguments: ["-T", ...NginxProcess.commandLine(master.arguments)],
    timeout: Limits.nginxTestTimeout,
    outputBytesMax: Limits.nginxDumpBytesMax
  })
})

/** What the configuration that nginx reads now says. */
export const configurationFindings = (
  files: ReadonlyArray<Inspection.DumpedFile>,
  confDirectory: string,
  ownsDefaultServer: boolean
): ReadonlyArray<Finding> => {
  const file = files[0]?.path ?? "nginx.conf"
  const line = Validation.includeLine(confDirectory)
  const defaults = Inspection.defaultServers(files, confDirectory)
  const clash =
    defaults.length === 0
      ? ownsDefaultServer
        ? ok("no other file has a default_server")
        : advice(
            "no other file has a default_server: set NXMESH_NGINX_OWNS_DEFAULT_SERVER=true, so that unknown names reach no site"
          )
      : ownsDefaultServer
        ? problem(
            `${defaults.join(", ")} has a default_server, and so would NxMesh: set NXMESH_NGINX_OWNS_DEFAULT_SERVER=false, or remove it there`
          )
        : ok(`the default_server is in ${defaults.join(", ")}`)
  return [
    Inspection.includesCurrent(files, confDirectory)
      ? ok(`${line} is there`)
      : problem(`add "${line}" to the http block of ${file}`),
    Inspection.hasMainErrorLog(files)
      ? ok("the main error_log is a file: a failed reload can say why")
      : advice(
          `put "error_log /var/log/nginx/error.log notice;" at the top of ${file}: without it a failed reload cannot say why`
        ),
    clash
  ]
}

const running = Effect.fnUntraced(function* (
  instance: NginxInstanceSettings,
  master: NginxProcess.NginxMaster,
  ownsDefaultServer: boolean
) {
  const result = yield* Effect.result(dump(instance, master))
  const tested =
    result._tag === "Failure"
      ? [problem(`cannot run ${master.executable}: ${result.failure.message}`)]
      : result.success.exitCode === 0
        ? configurationFindings(
            Inspection.dumpedFiles(result.success.stdout),
            asNginxSees(instance).confDirectory,
            ownsDefaultServer
          )
        : [problem(`nginx refuses its present configuration: ${result.success.stderr.trim()}`)]
  return [ok(`nginx runs as process ${master.pid}`), ...tested]
})

/** How the mode works here; `facts` as they were found. */
export const modeFindings = (facts: ModeFacts, mode: ModeCapabilities): ReadonlyArray<Finding> => [
  ...mode.problems.map(problem),
  ...mode.advice.map(advice),
  ...(mode.tier === 1 ? [ok("tier 1: staged trees are tested inside nginx's container before anything changes")] : []),
  ...(facts.mode === "standalone"
    ? [
        facts.standaloneTest === "namespace"
          ? ok("staged trees are tested in a mount namespace of their own")
          : advice("no right to make mount namespaces: staged trees are tested by a copy of nginx.conf beside it")
      ]
    : [
        ok(
          `the agent has uid ${facts.uid}${facts.capabilities.length === 0 ? "" : ` and ${facts.capabilities.join(", ")}`}`
        )
      ])
]

/** Why no nginx is there, unless the mode's own findings say it. */
const absent = (instance: NginxInstanceSettings, message: string): ReadonlyArray<Finding> => {
  if (instance.sidecar === true) return [problem(message)]
  return [
    instance.prefix === null
      ? problem(`${message}; start nginx, or set NXMESH_NGINX_PID_FILE`)
      : ok("nginx does not run yet; the agent starts it")
  ]
}

/** Everything found, in the order in which to mend it. */
export const examine = Effect.fn("Doctor.examine")(function* (
  dataDirectory: string,
  ownsDefaultServer: boolean,
  deploymentMode: DeploymentMode = "standalone"
): Effect.fn.Return<ReadonlyArray<Finding>, never, NginxInstance | NginxFacts> {
  const instance = yield* NginxInstance
  const capabilities = yield* Effect.result((yield* NginxFacts).capabilities)
  const master = yield* Effect.result(NginxProcess.find(instance.pidFile))
  const facts = yield* Detection.detect(instance, deploymentMode)
  const mode = modeCapabilities(facts)
  return [
    capabilities._tag === "Success"
      ? ok(`nginx ${capabilities.success.version}`)
      : problem(`${instance.binary} does not run: ${capabilities.failure.message}`),
    ...(master._tag === "Failure"
      ? absent(instance, master.failure.message)
      : mode.test === "reload" || mode.test === null
        ? [ok(`nginx runs as process ${master.success.pid}`)]
        : yield* running(instance, master.success, ownsDefaultServer)),
    yield* writable(instance.confDirectory, "generations"),
    yield* writable(instance.runtimeDirectory, "proof socket"),
    yield* writable(dataDirectory, "journal and cache"),
    (yield* privateRuntime(instance.runtimeDirectory)) ?? ok(`${instance.runtimeDirectory} is private`),
    ...modeFindings(facts, mode)
  ]
})

/** The findings as lines for a terminal. */
export const describe = (findings: ReadonlyArray<Finding>): ReadonlyArray<string> =>
  findings.map(
    ({ level, message }) => `${{ ok: "ok      ", advice: "advice  ", problem: "PROBLEM " }[level]}${message}`
  )

/** Whether the agent can work: no problems. */
export const isHealthy = (findings: ReadonlyArray<Finding>): boolean =>
  findings.every(({ level }) => level !== "problem")
