/** Where nginx lives, and how its trees are laid out, as the settings say it. */
import { Effect, Layer } from "effect"
import { access } from "node:fs/promises"
import { join } from "node:path"
import type { Layout } from "@nxmesh/core/nginx/Layout"
import { SettingsError } from "@nxmesh/core/settings/SettingsError"
import { Limits } from "../Limits.ts"
import { Settings, type SettingsShape } from "../Settings.ts"
import { NginxInstance, type NginxInstanceSettings } from "./NginxInstance.ts"

/** Where distributions and builds put nginx. */
const usualBinaries = [
  "/usr/sbin/nginx",
  "/usr/local/sbin/nginx",
  "/usr/bin/nginx",
  "/usr/local/nginx/sbin/nginx",
  "/usr/local/openresty/nginx/sbin/nginx"
]

/** Pure: everything but the binary. A path that is set wins over what the prefix implies. */
export const instanceOf = (settings: SettingsShape, binary: string): NginxInstanceSettings => {
  const { nginxPrefix: prefix } = settings
  const inPrefix = (name: string, system: string) => (prefix === null ? system : join(prefix, name))
  return {
    prefix,
    binary,
    pidFile: settings.nginxPidFile ?? inPrefix("nginx.pid", "/run/nginx.pid"),
    confDirectory: settings.nginxConfDirectory ?? inPrefix("conf.d", "/etc/nginx/conf.d"),
    runtimeDirectory: settings.runtimeDirectory ?? inPrefix("run", "/run/nxmesh")
  }
}

/** Pure: what the renderer has to know of the place. */
export const layoutOf = (settings: SettingsShape, instance: NginxInstanceSettings): Layout => ({
  confDirectory: instance.confDirectory,
  runtimeDirectory: instance.runtimeDirectory,
  logDirectory:
    settings.nginxLogDirectory ?? (instance.prefix === null ? "/var/log/nginx" : join(instance.prefix, "logs")),
  ownsMainContext: instance.prefix !== null,
  ownsDefaultServer: settings.nginxOwnsDefaultServer ?? instance.prefix !== null
})

const findBinary = Effect.fnUntraced(function* (set: string | null): Effect.fn.Return<string, SettingsError> {
  const candidates = set === null ? usualBinaries : [set]
  for (const path of candidates) {
    const found = yield* Effect.promise(() =>
      access(path).then(
        () => true,
        () => false
      )
    )
    if (found) return path
  }
  return yield* new SettingsError({
    problems: [`NXMESH_NGINX_BINARY: there is no nginx at ${candidates.join(", ")}; install nginx or name its path`]
  })
})

/** The instance that the settings describe. Fails with what to change. */
export const layer = Layer.effect(
  NginxInstance,
  Effect.gen(function* () {
    const settings = yield* Settings
    const instance = instanceOf(settings, yield* findBinary(settings.nginxBinary))
    if (Buffer.byteLength(join(instance.runtimeDirectory, "proof.sock")) > Limits.socketPathBytesMax) {
      const problem = `NXMESH_NGINX_PREFIX: "${settings.nginxPrefix}" is too long for a unix socket in it; set NXMESH_RUNTIME_DIR to a short path`
      return yield* new SettingsError({ problems: [problem] })
    }
    return instance
  })
)
