/** Reloads nginx into the tree that `current` names, and proves it: the part that deployments, rollbacks and recovery share. */
import { Effect, type Scope } from "effect"
import { existsSync } from "node:fs"
import type { FileError } from "@nxmesh/core/file/FileError"
import * as ErrorLogWatch from "../nginx/ErrorLogWatch.ts"
import { NginxError } from "../nginx/NginxError.ts"
import type { NginxInstanceSettings } from "../nginx/NginxInstance.ts"
import type { NginxMaster } from "../nginx/NginxProcess.ts"
import * as ProcessTable from "../nginx/ProcessTable.ts"
import { socketPath } from "../nginx/ProofAnswer.ts"
import * as Proof from "../nginx/Proof.ts"
import * as StaleSockets from "../nginx/StaleSockets.ts"
import type { DeploymentId } from "@nxmesh/protocol/Ids"
import type { Served } from "./Attempt.ts"
import * as GenerationDirectory from "./GenerationDirectory.ts"

/** The proof socket is bound, and its file is gone: no reload can be proved through it. */
const isDeleted = (runtimeDirectory: string): boolean => {
  const path = socketPath(runtimeDirectory)
  return !existsSync(path) && ProcessTable.unixSockets().some((socket) => socket.path === path)
}

/** Sends the signal, after what would make the reload fail for no fault of the tree is out of its way. */
export const reload = Effect.fn("Switch.reload")(function* (
  instance: NginxInstanceSettings,
  master: NginxMaster
): Effect.fn.Return<Proof.Reload, NginxError | FileError, Scope.Scope> {
  yield* StaleSockets.clear(instance.runtimeDirectory)
  if (isDeleted(instance.runtimeDirectory)) {
    return yield* new NginxError({
      reason: "proof",
      message: `${socketPath(instance.runtimeDirectory)} was deleted under a running nginx, which does not make it again: restart nginx, and keep that directory (RuntimeDirectoryPreserve=yes under systemd)`
    })
  }
  return yield* Proof.reload(master, yield* ErrorLogWatch.begin(master))
})

/** Puts the link back on a settled tree under a new deployment id. */
export const restore = Effect.fn("Switch.restore")(function* (
  instance: NginxInstanceSettings,
  to: Served,
  deploymentId: DeploymentId
): Effect.fn.Return<Served, FileError> {
  yield* GenerationDirectory.reidentify(instance.confDirectory, to.directory, deploymentId)
  yield* GenerationDirectory.swap(instance.confDirectory, to.directory)
  return { ...to, deploymentId }
})
