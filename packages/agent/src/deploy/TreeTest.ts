/** What nginx says of a staged tree, before anything live changes: accepted, or refused with the error for the outcome. */
import { Effect } from "effect"
import { stat } from "node:fs/promises"
import { join } from "node:path"
import type { FileError } from "@nxmesh/core/file/FileError"
import * as Complaint from "@nxmesh/core/nginx/Complaint"
import type { TreePlace } from "@nxmesh/core/nginx/Culprit"
import type { RenderedFile } from "@nxmesh/core/nginx/Render"
import type { DeploymentError } from "@nxmesh/protocol/model/Deployment"
import type { NginxError } from "../nginx/NginxError.ts"
import { asNginxSees, type NginxInstanceSettings } from "../nginx/NginxInstance.ts"
import type { NginxCommand, NginxMaster } from "../nginx/NginxProcess.ts"
import { ownCommand } from "../nginx/Supervisor.ts"
import type { Sandbox } from "../nginx/Sandbox.ts"
import * as Validation from "../nginx/Validation.ts"
import * as FailureReport from "./FailureReport.ts"
import { keyOf } from "./Quarantine.ts"

export interface Tester {
  readonly instance: NginxInstanceSettings
  readonly ensureRunning: Effect.Effect<NginxMaster, NginxError | FileError>
  readonly validationMode: Validation.ValidationMode
  readonly sandbox: Sandbox["Service"]
}

export interface Candidate {
  /** Names in the configuration directory. */
  readonly directory: string
  /** What `current` names meanwhile. */
  readonly live: string
  readonly deploymentId: string
  /** What lies in the directory. */
  readonly files: ReadonlyArray<RenderedFile>
  /** Keys of the resources whose text nobody vouches for: it is tested in a sandbox first. */
  readonly untrusted: ReadonlySet<string>
}

export interface Tested {
  /** `null`: nginx would take it. */
  readonly refusal: DeploymentError | null
  readonly warnings: ReadonlyArray<string>
  readonly elapsedMillis: number
}

export const placeOf = (instance: NginxInstanceSettings, directory: string, files: Candidate["files"]): TreePlace => ({
  directory: join(asNginxSees(instance).confDirectory, directory),
  files
})

/**
 * Whose opinion counts: the running master's binary. The agent's own nginx may not start with the tree that serves, because
 * a port was taken meanwhile; then the new tree may be what mends it, and the binary on disk tests it.
 */
export const commandOf = ({
  ensureRunning,
  instance
}: Pick<Tester, "ensureRunning" | "instance">): Effect.Effect<NginxCommand, NginxError | FileError> =>
  Effect.catch(ensureRunning, (error) => {
    const own = ownCommand(instance)
    return own === null ? Effect.fail(error) : Effect.succeed(own)
  })

/** Which binary says so: one that was replaced may say something else. */
export const identity = (tester: Pick<Tester, "ensureRunning" | "instance">): Effect.Effect<string> =>
  commandOf(tester).pipe(
    Effect.flatMap(({ executable }) => Effect.tryPromise(() => stat(executable))),
    Effect.map(({ ino, mtimeMs, size }) => `${ino} ${size} ${mtimeMs}`),
    Effect.orElseSucceed(() => "unknown")
  )

/** What comes of text that nobody vouches for. The authoritative test does not see what is refused here. */
const sandboxed = Effect.fnUntraced(function* (
  { sandbox }: Tester,
  nginx: NginxCommand,
  { directory, files, untrusted }: Candidate,
  place: TreePlace
): Effect.fn.Return<Pick<Tested, "refusal" | "warnings">> {
  const isUntrusted = ({ resource }: RenderedFile) => resource !== null && untrusted.has(keyOf(resource))
  if (!files.some(isUntrusted)) return { refusal: null, warnings: [] }
  const verdict = yield* sandbox.check({ nginx, directory, files, isUntrusted })
  if (verdict._tag === "Passed") return { refusal: null, warnings: [] }
  if (verdict._tag === "Unjudged") return { refusal: null, warnings: [verdict.why] }
  const refusal = FailureReport.fromOutput("test", verdict.output, "the test in the sandbox failed", place)
  return { refusal: { ...refusal, message: `${refusal.message} (tested in the sandbox)` }, warnings: [] }
})

export const run = Effect.fn("TreeTest.run")(function* (
  tester: Tester,
  candidate: Candidate
): Effect.fn.Return<Tested, NginxError | FileError> {
  const { deploymentId, directory, files, live } = candidate
  const { instance, validationMode } = tester
  const nginx = yield* commandOf(tester)
  const place = placeOf(instance, directory, files)
  const first = yield* sandboxed(tester, nginx, candidate, place)
  if (first.refusal !== null) return { ...first, elapsedMillis: 0 }
  const marker = `deployment ${deploymentId}`
  const { elapsedMillis, output, passed } = yield* Validation.validate(instance, nginx, validationMode, {
    directory,
    live,
    marker
  })
  if (!passed) {
    const refusal = FailureReport.fromOutput("test", output, "nginx refuses the configuration", place)
    return { refusal, warnings: [], elapsedMillis }
  }
  const complaints = Complaint.complaintsIn(output)
  return {
    refusal: FailureReport.conflict(complaints, place),
    warnings: [...first.warnings, ...complaints.map(({ level, message }) => `nginx: [${level}] ${message}`)],
    elapsedMillis
  }
})
