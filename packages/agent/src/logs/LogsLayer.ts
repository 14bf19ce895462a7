/** The agent's side of nginx's logs, as its settings ask for it. */
import { Effect, Layer, Schedule } from "effect"
import { join } from "node:path"
import { Limits } from "../Limits.ts"
import * as AccessLogPlace from "../nginx/AccessLogPlace.ts"
import { layoutOf } from "../nginx/InstanceFromSettings.ts"
import { NginxInstance, type NginxInstanceSettings } from "../nginx/NginxInstance.ts"
import * as PrivatePrefix from "../nginx/PrivatePrefix.ts"
import { Supervisor } from "../nginx/Supervisor.ts"
import { collectsAccessLogs, Settings, type SettingsShape } from "../Settings.ts"
import * as LogReader from "./LogReader.ts"
import * as LogRotation from "./LogRotation.ts"
import { logSources } from "./LogSource.ts"

/** Where nginx has its logs. Pure. */
export const placesOf = (settings: SettingsShape, instance: NginxInstanceSettings) => {
  const directory = layoutOf(settings, instance).logDirectory ?? "/var/log/nginx"
  const { prefix } = instance
  const accessLog = collectsAccessLogs(settings) ? join(directory, AccessLogPlace.accessLogFile) : null
  return {
    accessLog,
    errorLog: prefix === null ? join(directory, "error.log") : PrivatePrefix.logFile(prefix),
    foreign: settings.logFiles,
    /** Those that nobody but the agent knows of. */
    rotated: [
      ...(accessLog === null ? [] : [accessLog]),
      ...(prefix === null ? [] : [PrivatePrefix.logFile(prefix), join(prefix, "logs", "access.log")])
    ]
  }
}

const rotation = Layer.effectDiscard(
  Effect.gen(function* () {
    const instance = yield* NginxInstance
    const { rotated } = placesOf(yield* Settings, instance)
    const { exclusive } = yield* Supervisor
    const check = Effect.gen(function* () {
      const paths = yield* Effect.forEach(rotated, (path) => AccessLogPlace.reach(instance, path))
      yield* LogRotation.check(instance, paths, exclusive)
    }).pipe(Effect.catchDefect((defect) => Effect.logError("logs are not rotated, because of a defect", defect)))
    yield* Effect.forkScoped(Effect.repeat(check, Schedule.spaced(Limits.ownLogCheckInterval)))
  })
)

const reading = Layer.unwrap(
  Effect.gen(function* () {
    const settings = yield* Settings
    return LogReader.layer(logSources(placesOf(settings, yield* NginxInstance)), settings.dataDirectory)
  })
)

export const layer = Layer.merge(rotation, reading)
