/**
 * What the operator's command line does to a data directory while no master runs in it. Settings are those of
 * `nxmesh-master`: the environment, and the file of `--config`; `--data-dir` goes before both.
 */
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { loadSettingsFile } from "@nxmesh/core/settings/SettingsFile"
import { Effect, Layer, Logger, References } from "effect"
import { join, resolve } from "node:path"
import { checkExport, type ExportFiles } from "../audit/ExportFile.ts"
import { checkBackup as check } from "../backup/BackupFile.ts"
import { Secrets } from "../secrets/Secrets.ts"
import { Settings, type SettingsShape } from "../Settings.ts"
import { DataDirectory } from "../state/DataDirectory.ts"
import { inspect as inspectLog, recover as recoverMaster } from "./Recover.ts"
import { failed, RecoveryError } from "./RecoveryError.ts"
import { requireOwner } from "./RecoveryFiles.ts"
import { restore as restoreBackup } from "./Restore.ts"

export interface Where {
  /** Of `nxmesh-master`. */
  readonly config: string | null
  /** Instead of the one that the settings name. */
  readonly dataDirectory: string | null
}

const settingsOf = Effect.fnUntraced(function* ({ config, dataDirectory }: Where) {
  const file = yield* loadSettingsFile(config)
  const settings = yield* Effect.provide(Settings, Settings.layer(file))
  return dataDirectory === null ? settings : { ...settings, dataDirectory: resolve(dataDirectory) }
})

/** Never made here: another key than the cluster's opens nothing. */
const keyFileOf = ({ dataDirectory, secretsKeyFile }: SettingsShape): string =>
  secretsKeyFile ?? join(dataDirectory, "secrets.key")

/** What the parts log is for whoever watches, and not the answer. */
const layerQuiet = Layer.merge(
  Logger.layer([Logger.withConsoleError(Logger.formatLogFmt)]),
  Layer.succeed(References.MinimumLogLevel, "Warn")
)

const inDirectory = <A, E extends { readonly message: string }>(
  where: Where,
  use: Effect.Effect<A, E, DataDirectory | Secrets | Settings | Identifiers>
): Effect.Effect<A, RecoveryError> =>
  Effect.gen(function* () {
    const settings = yield* settingsOf(where)
    yield* requireOwner(settings.dataDirectory)
    const parts = Layer.mergeAll(
      Identifiers.layer,
      Layer.succeed(Settings, settings),
      DataDirectory.layerAt(settings.dataDirectory),
      Secrets.layerAt({ keyFile: keyFileOf(settings), create: false })
    )
    return yield* Effect.provide(use, parts)
  }).pipe(
    Effect.mapError((error) => (error instanceof RecoveryError ? error : failed(error.message))),
    Effect.provide(layerQuiet)
  )

export const restore = (where: Where, from: string) => inDirectory(where, restoreBackup(resolve(from)))

export const inspect = (where: Where) => inDirectory(where, inspectLog)

export const recover = (where: Where) => inDirectory(where, recoverMaster)

export const checkAudit = (files: ExportFiles) =>
  Effect.mapError(
    checkExport({
      file: resolve(files.file),
      keysFile: files.keysFile === null ? null : resolve(files.keysFile),
      headFile: files.headFile === null ? null : resolve(files.headFile)
    }),
    ({ message }) => failed(message)
  )

export const checkBackup = (file: string) => Effect.mapError(check(resolve(file)), ({ message }) => failed(message))
