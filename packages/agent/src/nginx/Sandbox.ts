/**
 * The test of text that nobody vouches for, before the authoritative one runs with the rights of nginx's master: snippets and
 * custom templates (design-nginx.md, "Validation"; CVE-2025-1974 in another product is why). A transformed copy of nginx's whole
 * configuration, with the tenants' files that are not trusted in it, is tested in a cage.
 */
import { createHash } from "node:crypto"
import { Context, Effect, Layer, Result } from "effect"
import { chmod, glob, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import * as AtomicFile from "@nxmesh/core/file/AtomicFile"
import { FileError } from "@nxmesh/core/file/FileError"
import { parseNginx } from "@nxmesh/core/nginx/Parse"
import type { RenderedFile } from "@nxmesh/core/nginx/Render"
import { Limits } from "../Limits.ts"
import * as Cage from "./Cage.ts"
import * as NginxBinary from "./NginxBinary.ts"
import { NginxError } from "./NginxError.ts"
import { asNginxSees, NginxInstance } from "./NginxInstance.ts"
import type { NginxCommand } from "./NginxProcess.ts"
import { dummyCertificate, dummyKey } from "./SandboxCertificate.ts"
import * as SandboxText from "./SandboxText.ts"
import { configurationFile } from "./SidecarTest.ts"

export interface SandboxSubject {
  readonly nginx: NginxCommand
  /** Name of the tree's directory. */
  readonly directory: string
  readonly files: ReadonlyArray<RenderedFile>
  /** Which of the files nobody vouches for. */
  readonly isUntrusted: (file: RenderedFile) => boolean
}

/**
 * unjudged: there is no sandbox here, or it refuses nginx's configuration without the tenants' text as well. `output` is nginx's, with
 * the paths of outside.
 */
export type SandboxVerdict =
  | { readonly _tag: "Passed" }
  | { readonly _tag: "Refused"; readonly output: string }
  | { readonly _tag: "Unjudged"; readonly why: string }

export class Sandbox extends Context.Service<
  Sandbox,
  {
    /** Which cage can be made here; `null`: none, and the forbidden list and the authoritative test stand alone. */
    readonly kind: Effect.Effect<Cage.CageKind | null>
    /** Removes what a crash left. For whoever has the data directory to itself. */
    readonly clear: Effect.Effect<void, FileError>
    readonly check: (subject: SandboxSubject) => Effect.Effect<SandboxVerdict>
  }
>()("@nxmesh/agent/nginx/Sandbox") {
  /** Sandboxes are made below the data directory, which nobody but the agent can enter. */
  static readonly layer = (dataDirectory: string): Layer.Layer<Sandbox, never, NginxInstance> =>
    Layer.effect(Sandbox, make(dataDirectory))
}

const attempt = <A>(operation: string, path: string, run: () => Promise<A>): Effect.Effect<A, FileError> =>
  Effect.tryPromise({ try: run, catch: (cause) => new FileError({ operation, path, cause }) })

const unreadable = (path: string, message: string) =>
  new NginxError({ reason: "refused", message: `${path} cannot be read as nginx configuration: ${message}` })

const parsed = (path: string, text: string, isTenants: boolean): Effect.Effect<SandboxText.SandboxFile, NginxError> =>
  Effect.fromResult(
    Result.mapBoth(parseNginx(text), {
      onSuccess: (directives) => ({ path, directives, isTenants }),
      onFailure: ({ message }) => unreadable(path, message)
    })
  )

const matching = async (pattern: string): Promise<ReadonlyArray<string>> => {
  const found: Array<string> = []
  for await (const path of glob(pattern)) found.push(path)
  return found
}

/** nginx.conf and all that it includes, the tree excepted. */
const ownFiles = Effect.fnUntraced(function* (
  main: string,
  around: SandboxText.SandboxSurroundings
): Effect.fn.Return<ReadonlyArray<SandboxText.SandboxFile>, FileError | NginxError> {
  const found = new Map<string, SandboxText.SandboxFile>()
  const waiting = [main]
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    const at = path
    if (found.has(at) || at.startsWith(`${around.tree}/`)) continue
    if (found.size >= Limits.sandboxFilesMax) {
      return yield* unreadable(main, `it includes more than ${Limits.sandboxFilesMax} files`)
    }
    const text = yield* attempt("read", at, () => readFile(at, "utf8"))
    const file = yield* parsed(at, text, false)
    found.set(at, file)
    for (const pattern of SandboxText.includesOf(file.directives, around)) {
      if (pattern.startsWith(`${around.tree}/`)) continue
      waiting.push(...(yield* attempt("find", pattern, () => matching(pattern))))
    }
  }
  return [...found.values()]
})

const builtPrefix = /--prefix=(\S+)/

/** The same text is not tested twice; where the tree lies makes no difference. */
const fingerprint = ({ directory, files, isUntrusted, nginx }: SandboxSubject): string => {
  const hash = createHash("sha256").update(JSON.stringify(nginx))
  for (const file of files.filter(isUntrusted)) {
    hash.update(`${file.path}\0${file.content.replaceAll(`/${directory}/`, "/")}\0`)
  }
  return hash.digest("hex")
}

const write = async (root: string, texts: ReadonlyMap<string, string>): Promise<void> => {
  for (const [path, text] of texts) {
    await mkdir(join(root, dirname(path)), { recursive: true, mode: 0o755 })
    await writeFile(join(root, path), text, { mode: 0o644 })
  }
  for (const name of ["s", "temp"]) {
    await mkdir(join(root, name))
    await chmod(join(root, name), 0o777)
  }
  await writeFile(join(root, "dummy.key"), dummyKey, { mode: 0o644 })
  await writeFile(join(root, "dummy.crt"), dummyCertificate, { mode: 0o644 })
  // Whoever runs in the cage writes here; outside, nobody but the agent gets past the directory above.
  await chmod(root, 0o777)
}

const make = Effect.fnUntraced(function* (dataDirectory: string) {
  const instance = yield* NginxInstance
  const seen = asNginxSees(instance)
  const home = join(dataDirectory, "sandbox")

  const inSandbox = <A, E>(use: (root: string) => Effect.Effect<A, E>) =>
    Effect.acquireUseRelease(
      Effect.andThen(
        AtomicFile.makeDirectory(home),
        attempt("make a sandbox in", home, () => mkdtemp(join(home, "tree-")))
      ),
      use,
      (root) => Effect.promise(() => rm(root, { recursive: true, force: true }))
    )
  const kind = yield* Effect.cached(
    instance.sidecar === true ? Effect.succeed(null) : Effect.orElseSucceed(inSandbox(Cage.detect), () => null)
  )

  let lastPassed: string | null = null

  /** What nginx says of its configuration with these files of the tree in it. */
  const test = Effect.fnUntraced(function* (
    cage: Cage.CageKind,
    { directory, nginx }: SandboxSubject,
    files: ReadonlyArray<RenderedFile>
  ): Effect.fn.Return<string | null, FileError | NginxError> {
    const main = yield* configurationFile(instance, nginx)
    const tree = join(seen.confDirectory, directory)
    const bare: SandboxText.SandboxSurroundings = {
      configurationDirectory: dirname(main),
      prefix: nginx.arguments.prefix ?? builtPrefix.exec(yield* NginxBinary.version(instance, nginx))?.[1] ?? "/",
      tree,
      current: join(seen.confDirectory, "current"),
      upstreams: new Set()
    }
    const own = yield* ownFiles(main, bare)
    const tenants = yield* Effect.forEach(
      files.filter(({ path }) => path.endsWith(".conf")),
      ({ content, path, resource }) => parsed(join(tree, path), content, resource !== null)
    )
    const all = [...own, ...tenants]
    const around = { ...bare, upstreams: SandboxText.upstreamNames(all) }
    const texts = new Map(
      all.map((file) => [
        SandboxText.placeOf(file.path),
        file.path === main ? SandboxText.mainText(file, around) : SandboxText.sandboxText(file, around)
      ])
    )
    const result = yield* inSandbox((root) =>
      Effect.andThen(
        attempt("fill", root, () => write(root, texts)),
        Cage.run(cage, {
          executable: nginx.executable,
          arguments: [
            "-t",
            "-p",
            `${SandboxText.sandboxRoot}/`,
            "-c",
            `${SandboxText.sandboxRoot}/${SandboxText.placeOf(main)}`
          ],
          directory: root,
          hidden: [dataDirectory, instance.confDirectory, instance.runtimeDirectory]
        })
      )
    )
    return result.exitCode === 0 ? null : SandboxText.withRealPaths(result.stderr)
  })

  const check = Effect.fn("Sandbox.check")(function* (subject: SandboxSubject) {
    const print = fingerprint(subject)
    if (print === lastPassed) return { _tag: "Passed" } as const
    const cage = yield* kind
    if (cage === null && instance.sidecar === true) {
      const why =
        "snippets and custom templates are not tested in a sandbox, because nginx's binary lies in another container"
      return { _tag: "Unjudged", why } as const
    }
    if (cage === null) {
      const why =
        "snippets and custom templates are not tested in a sandbox: this agent may not make namespaces, or unshare and setpriv are missing"
      return { _tag: "Unjudged", why } as const
    }
    const isTrusted = (file: RenderedFile) => !subject.isUntrusted(file)
    const isShared = ({ resource }: RenderedFile) => resource?.kind !== "virtual_host"
    const untrusted = subject.files.filter((file) => isShared(file) || subject.isUntrusted(file))
    const output = yield* test(cage, subject, untrusted)
    if (output === null) {
      lastPassed = print
      return { _tag: "Passed" } as const
    }
    // What stops it without the tenants' text as well is no fault of theirs.
    const without = yield* test(cage, subject, untrusted.filter(isTrusted))
    return without === null
      ? ({ _tag: "Refused", output } as const)
      : ({
          _tag: "Unjudged",
          why: `the sandbox cannot read nginx's own configuration: ${without.trim().split("\n")[0]}`
        } as const)
  })

  return Sandbox.of({
    kind,
    clear: attempt("clear", home, () => rm(home, { recursive: true, force: true })),
    check: (subject) =>
      Effect.catch(check(subject), ({ message }) =>
        Effect.succeed({ _tag: "Unjudged", why: `the sandbox cannot be used: ${message}` } as const)
      )
  })
})
