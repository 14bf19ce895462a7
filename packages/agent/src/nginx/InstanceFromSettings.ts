/** Where nginx lives, and how its trees are laid out, as the settings say it. */
import { Effect, Layer } from "effect"
import { access } from "node:fs/promises"
import { join } from "node:path"
import type { Layout } from "@nxmesh/core/nginx/Layout"
import { SettingsError } from "@nxmesh/core/settings/SettingsError"
import { Limits } from "../Limits.ts"
import { Settings, type SettingsShape } from "../Settings.ts"
import { asNginxSees, NginxInstance, type NginxInstanceSettings, sidecarPidFile } from "./NginxInstance.ts"

/** Where distributions and builds put nginx. */
const usualBinaries = [
  "/usr/sbin/nginx",
  "/usr/local/sbin/nginx",
  "/usr/bin/nginx",
  "/usr/local/nginx/sbin/nginx",
  "/usr/local/openresty/nginx/sbin/nginx"
]

/** nginx runs in a container beside the agent's. */
const isSidecar = ({ deploymentMode }: SettingsShape): boolean => deploymentMode !== "standalone"

/** Pure: everything but the binary. A path that is set wins over what the prefix implies. */
export const instanceOf = (settings: SettingsShape, binary: string): NginxInstanceSettings => {
  const { localConfDirectory, localRuntimeDirectory, nginxPidFile, nginxPrefix: prefix } = settings
  const inPrefix = (name: string, system: string) => (prefix === null ? system : join(prefix, name))
  const sidecar = isSidecar(settings)
  const seenByNginx = {
    confDirectory: settings.nginxConfDirectory ?? inPrefix("conf.d", "/etc/nginx/conf.d"),
    runtimeDirectory: settings.runtimeDirectory ?? inPrefix("run", "/run/nxmesh")
  }
  return {
    prefix,
    binary,
    pidFile: sidecar ? sidecarPidFile(nginxPidFile) : (nginxPidFile ?? inPrefix("nginx.pid", "/run/nginx.pid")),
    confDirectory: localConfDirectory ?? seenByNginx.confDirectory,
    runtimeDirectory: localRuntimeDirectory ?? seenByNginx.runtimeDirectory,
    ...(sidecar ? { sidecar, seenByNginx } : {})
  }
}

/** Pure: what the renderer has to know of the place. */
export const layoutOf = (settings: SettingsShape, instance: NginxInstanceSettings): Layout => ({
  ...asNginxSees(instance),
  logDirectory:
    settings.nginxLogDirectory ?? (instance.prefix === null ? "/var/log/nginx" : join(instance.prefix, "logs")),
  ownsMainContext: instance.prefix !== null,
  ownsDefaultServer: settings.nginxOwnsDefaultServer ?? instance.prefix !== null
})

/** Pure: settings that are right alone and wrong together; `null` when there are none. */
export const contradictionIn = (settings: SettingsShape): string | null => {
  if (isSidecar(settings)) {
    return settings.nginxPrefix === null
      ? null
      : `NXMESH_NGINX_PREFIX: the nginx of a sidecar is started by its container; remove it, or set NXMESH_DEPLOYMENT_MODE=standalone`
  }
  return settings.localConfDirectory === null && settings.localRuntimeDirectory === null
    ? null
    : `NXMESH_LOCAL_CONF_DIR, NXMESH_LOCAL_RUNTIME_DIR: they are for sidecars, whose nginx sees other paths; set NXMESH_DEPLOYMENT_MODE or remove them`
}

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
    const contradiction = contradictionIn(settings)
    if (contradiction !== null) return yield* new SettingsError({ problems: [contradiction] })
    // A sidecar's agent runs the binary of nginx's container and has none of its own.
    const binary = isSidecar(settings) ? (settings.nginxBinary ?? "nginx") : yield* findBinary(settings.nginxBinary)
    const instance = instanceOf(settings, binary)
    if (Buffer.byteLength(join(instance.runtimeDirectory, "proof.sock")) > Limits.socketPathBytesMax) {
      const problem = `NXMESH_NGINX_PREFIX: "${settings.nginxPrefix}" is too long for a unix socket in it; set NXMESH_RUNTIME_DIR to a short path`
      return yield* new SettingsError({ problems: [problem] })
    }
    return instance
  })
)
