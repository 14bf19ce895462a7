/**
 * The authoritative test of a staged tree: nginx's own `-T`, of the live nginx.conf, with the staged tree where `current`
 * is, before anything live changes. What each part is for is in design-nginx.md, "Validation".
 */
import { Clock, Effect } from "effect"
import { readdir, readFile, rm, stat } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import * as AtomicFile from "@nxmesh/core/file/AtomicFile"
import { FileError } from "@nxmesh/core/file/FileError"
import { Limits } from "../Limits.ts"
import * as BoundedCommand from "./BoundedCommand.ts"
import * as Container from "./Container.ts"
import * as NginxBinary from "./NginxBinary.ts"
import { NginxError } from "./NginxError.ts"
import { asNginxSees, type NginxInstanceSettings } from "./NginxInstance.ts"
import { commandLine, type MasterArguments, type NginxCommand } from "./NginxProcess.ts"
import * as SidecarTest from "./SidecarTest.ts"

/**
 * `namespace`: nginx.conf untouched, the tree bound in place. `wrapper`: a copy of nginx.conf with one line changed. `chroot`: the same
 * inside the root of a sidecar's nginx. `reload`: no test beforehand; nginx refuses at the reload, which is then undone.
 */
export type ValidationMode = "namespace" | "wrapper" | SidecarTest.SidecarTest["mode"]

export interface Validation {
  readonly passed: boolean
  /** nginx's standard error. */
  readonly output: string
  /** nginx read the staged tree: its marker was in the configuration that `-T` printed. */
  readonly reachedTree: boolean
  readonly elapsedMillis: number
  readonly mode: ValidationMode
}

export interface Staged {
  /** Names in the configuration directory. */
  readonly directory: string
  /** What `current` names while this is tested. */
  readonly live: string
  /** A text that only the staged tree holds. */
  readonly marker: string
}

const attempt = <A>(operation: string, path: string, run: () => Promise<A>) =>
  Effect.tryPromise({ try: run, catch: (cause) => new FileError({ operation, path, cause }) })

const sizeOf = (path: string): Effect.Effect<number | null> =>
  Effect.promise(() =>
    stat(path).then(
      ({ size }) => size,
      () => null
    )
  )

/** `nginx -t` makes an empty pid file where there is none, after which `nginx -s reload` fails: it goes again. */
const keepingPidFile = <A, E, R>(pidFile: string, test: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.acquireUseRelease(
    sizeOf(pidFile),
    () => test,
    (before) =>
      Effect.gen(function* () {
        if (before === null && (yield* sizeOf(pidFile)) === 0) yield* Effect.promise(() => rm(pidFile, { force: true }))
      })
  )

const bindAndTest = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'

const inNamespace = (instance: NginxInstanceSettings, nginx: NginxCommand, staged: Staged) => ({
  program: "unshare",
  arguments: [
    ...["--mount", "--propagation", "private", "sh", "-c", bindAndTest, "sh"],
    join(instance.confDirectory, staged.directory),
    join(instance.confDirectory, staged.live),
    ...[nginx.executable, "-T", ...commandLine(nginx.arguments)]
  ],
  timeout: Limits.nginxTestTimeout,
  watchFor: staged.marker
})

/**
 * The text of nginx.conf with the include of `current` led to the staged directory; `null` when the line is not in it. The
 * main context stays the same, word for word: another `user` would change the owner of the live temporary directories.
 */
export const wrapperText = (configuration: string, confDirectory: string, directory: string): string | null => {
  const line = `${confDirectory}/current/`
  return configuration.includes(line) ? configuration.replaceAll(line, `${confDirectory}/${directory}/`) : null
}

/** What an agent left that was killed while nginx tested. Tests of one nginx come one after the other. */
const removeLeft = async (directory: string, prefix: string): Promise<void> => {
  const left = (await readdir(directory)).filter((name) => name.startsWith(prefix))
  await Promise.all(left.map((name) => rm(join(directory, name), { force: true })))
}

const withWrapper = Effect.fnUntraced(function* (
  instance: NginxInstanceSettings,
  nginx: NginxCommand,
  staged: Staged
): Effect.fn.Return<BoundedCommand.CommandResult, NginxError | FileError> {
  const file = yield* SidecarTest.configurationFile(instance, nginx)
  const root = Container.rootOf(instance, nginx)
  const here = (path: string) => (root === null ? path : Container.pathInside(root, path))
  const configuration = yield* attempt("read", file, () => readFile(here(file), "utf8"))
  const text = wrapperText(configuration, asNginxSees(instance).confDirectory, staged.directory)
  if (text === null) return yield* notIncluded(instance, file)
  // Beside nginx.conf, because relative includes follow the directory of `-c`; hidden, so that no glob matches it.
  const ours = `.nxmesh-test-${basename(file)}-`
  const name = `${ours}${staged.directory}`
  const wrapped: MasterArguments = { ...nginx.arguments, configurationFile: join(dirname(file), name) }
  const beside = yield* attempt("find", dirname(file), async () => here(dirname(file)))
  const wrapper = join(beside, name)
  yield* attempt("tidy", beside, () => removeLeft(beside, ours))
  return yield* Effect.acquireUseRelease(
    AtomicFile.write(wrapper, text),
    () =>
      NginxBinary.run(instance, nginx, {
        arguments: ["-T", ...commandLine(wrapped)],
        timeout: Limits.nginxTestTimeout,
        watchFor: staged.marker
      }),
    () => Effect.promise(() => rm(wrapper, { force: true }))
  )
})

export const includeLine = (confDirectory: string): string => `include ${confDirectory}/current/*.conf;`

const notIncluded = (instance: NginxInstanceSettings, file: string) =>
  new NginxError({
    reason: "refused",
    message: `nginx does not read the staged tree: add "${includeLine(asNginxSees(instance).confDirectory)}" to the http block of ${file} (nxmesh-agent doctor checks it)`
  })

/** Whether this process may make a private mount namespace: tried once, because capabilities differ from uid 0. */
export const detectMode: Effect.Effect<ValidationMode> = BoundedCommand.run({
  program: "unshare",
  arguments: ["--mount", "--propagation", "private", "true"],
  timeout: Limits.nginxVersionTimeout
}).pipe(
  Effect.map(({ exitCode }): ValidationMode => (exitCode === 0 ? "namespace" : "wrapper")),
  Effect.orElseSucceed((): ValidationMode => "wrapper")
)

/** A tree that only the reload can test. */
const untested: Validation = { passed: true, output: "", reachedTree: false, elapsedMillis: 0, mode: "reload" }

/** Tests a staged tree as the running nginx would read it. A sidecar's mode is found at each test: containers come and go. */
export const validate = Effect.fn("Validation.validate")(function* (
  instance: NginxInstanceSettings,
  nginx: NginxCommand,
  standaloneMode: ValidationMode,
  staged: Staged
): Effect.fn.Return<Validation, NginxError | FileError> {
  const mode = instance.sidecar === true ? (yield* SidecarTest.find(instance, nginx)).mode : standaloneMode
  if (mode === "reload") return untested
  const started = yield* Clock.monotonicTimeNanos
  const result = yield* keepingPidFile(
    instance.pidFile,
    mode === "namespace"
      ? BoundedCommand.run(inNamespace(instance, nginx, staged))
      : withWrapper(instance, nginx, staged)
  )
  const elapsedMillis = Number((yield* Clock.monotonicTimeNanos) - started) / 1e6
  if (result.exitCode === 0 && !result.seen) {
    return yield* notIncluded(instance, yield* SidecarTest.configurationFile(instance, nginx))
  }
  return {
    passed: result.exitCode === 0,
    output: result.stderr,
    reachedTree: result.seen,
    elapsedMillis,
    mode
  }
})
