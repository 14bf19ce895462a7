/**
 * What an operator can set (design section 9): environment variables first, then the YAML file of `--config`, then
 * defaults. A wrong value stops the start and names the key, the value and what is allowed.
 */
import { Config, Context, Data, Effect, Layer, type LogLevel, Option, type Redacted, Result } from "effect"
import { parse as parseYaml } from "yaml"
import type { DeploymentMode } from "@nxmesh/protocol/model/Agent"
import type { Labels } from "@nxmesh/protocol/model/Text"
import * as Values from "./SettingValues.ts"

export interface SettingsShape {
  /** Empty: the agent runs without a cluster, on its last good configuration. */
  readonly masterUrls: ReadonlyArray<string>
  /** Needed once, to enrol. */
  readonly agentToken: Redacted.Redacted<string> | null
  /** SHA-256 of the cluster CA's certificate in lower-case hexadecimal. Needed once, to enrol. */
  readonly caFingerprint: string | null
  readonly deploymentMode: DeploymentMode
  readonly dataDirectory: string
  readonly labels: Labels
  readonly metricsAddress: { readonly host: string; readonly port: number } | null
  /** Set: the agent runs an nginx of its own there. */
  readonly nginxPrefix: string | null
  /** `null`: the first of the usual places. */
  readonly nginxBinary: string | null
  readonly nginxPidFile: string | null
  readonly nginxConfDirectory: string | null
  readonly runtimeDirectory: string | null
  /** Log files that virtual hosts may name lie in it. */
  readonly nginxLogDirectory: string | null
  /** Whether nothing else has a `default_server` on the ports that virtual hosts use. `null`: so in a prefix of its own. */
  readonly nginxOwnsDefaultServer: boolean | null
  readonly logLevel: LogLevel.LogLevel
}

interface Definition<A> {
  /** The key in the YAML file. The environment variable is `NXMESH_` and the key in capitals. */
  readonly key: string
  readonly read: (text: string) => Result.Result<NonNullable<A>, string>
  readonly fallback: A
  readonly help: string
  readonly secret?: boolean
}

const definitions: { readonly [K in keyof SettingsShape]: Definition<SettingsShape[K]> } = {
  masterUrls: {
    key: "master_url",
    read: Values.readMasterUrls,
    fallback: [],
    help: "masters of the cluster, comma-separated, as in wss://master.example:8443"
  },
  agentToken: {
    key: "agent_token",
    read: Values.readToken,
    fallback: null,
    help: "enrolment token, for the first start",
    secret: true
  },
  caFingerprint: {
    key: "ca_fingerprint",
    read: Values.readFingerprint,
    fallback: null,
    help: "SHA-256 fingerprint of the cluster's CA, for the first start"
  },
  deploymentMode: {
    key: "deployment_mode",
    read: Values.readDeploymentMode,
    fallback: "standalone",
    help: "docker_sidecar, k8s_sidecar or standalone [standalone]"
  },
  dataDirectory: {
    key: "data_dir",
    read: Values.readPath,
    fallback: "/var/lib/nxmesh/agent",
    help: "directory of identity, journal and cache [/var/lib/nxmesh/agent]"
  },
  labels: { key: "agent_labels", read: Values.readLabels, fallback: {}, help: "labels, as in env=prod,tier=edge" },
  metricsAddress: {
    key: "metrics_address",
    read: Values.readAddress,
    fallback: null,
    help: "host:port of the agent's own /metrics [none]"
  },
  nginxPrefix: {
    key: "nginx_prefix",
    read: Values.readPath,
    fallback: null,
    help: "directory of an nginx that the agent runs itself [none: the system's nginx]"
  },
  nginxBinary: {
    key: "nginx_binary",
    read: Values.readPath,
    fallback: null,
    help: "nginx to run in nginx_prefix, and to ask while none runs [the first of the usual places]"
  },
  nginxPidFile: {
    key: "nginx_pid_file",
    read: Values.readPath,
    fallback: null,
    help: "pid file of nginx [/run/nginx.pid, or nginx.pid in nginx_prefix]"
  },
  nginxConfDirectory: {
    key: "nginx_conf_dir",
    read: Values.readPath,
    fallback: null,
    help: "directory of the generations, as nginx sees it [/etc/nginx/conf.d, or conf.d in nginx_prefix]"
  },
  runtimeDirectory: {
    key: "runtime_dir",
    read: Values.readRuntimeDirectory,
    fallback: null,
    help: "directory of the proof socket, mode 0700 [/run/nxmesh, or run in nginx_prefix]"
  },
  nginxLogDirectory: {
    key: "nginx_log_dir",
    read: Values.readPath,
    fallback: null,
    help: "directory of access logs [/var/log/nginx, or logs in nginx_prefix]"
  },
  nginxOwnsDefaultServer: {
    key: "nginx_owns_default_server",
    read: Values.readBoolean,
    fallback: null,
    help: "true when no other file has a default_server on the ports used [true in nginx_prefix, else false]"
  },
  logLevel: {
    key: "log_level",
    read: Values.readLogLevel,
    fallback: "Info",
    help: "least level that is logged: error, warn, info, debug or trace [info]"
  }
}

const names = Object.keys(definitions) as ReadonlyArray<keyof SettingsShape>
const variableOf = (key: string) => `NXMESH_${key.toUpperCase()}`

/** Every setting with its variable and meaning, for `--help`. */
export const settingsHelp: string = names
  .map((name) => `  ${variableOf(definitions[name].key).padEnd(34)} ${definitions[name].help}`)
  .join("\n")

export class SettingsError extends Data.TaggedError("SettingsError")<{ readonly problems: ReadonlyArray<string> }> {
  override get message() {
    return this.problems.join("\n")
  }
}

export interface SettingsFile {
  readonly path: string
  readonly text: string
}

/** The keys of the file, labels joined to the text that the variable has; problems are added to the list. */
const readFile = (file: SettingsFile, problems: Array<string>): Readonly<Record<string, string>> => {
  const known = new Set(names.map((name) => definitions[name].key))
  let content: unknown
  try {
    content = parseYaml(file.text) ?? {}
  } catch (cause) {
    problems.push(`${file.path}: is not YAML: ${cause instanceof Error ? cause.message : String(cause)}`)
    return {}
  }
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    problems.push(`${file.path}: must hold keys and values, as in data_dir: /var/lib/nxmesh/agent`)
    return {}
  }
  const texts: Record<string, string> = {}
  for (const [key, value] of Object.entries(content)) {
    if (!known.has(key)) problems.push(`${key} in ${file.path}: is not a setting; known are ${[...known].join(", ")}`)
    else texts[key] = textOf(value)
  }
  return texts
}

/** Lists and maps are written as the variables have them: a list with commas, a map as key=value. */
const textOf = (value: unknown): string => {
  if (Array.isArray(value)) return value.map(String).join(",")
  if (typeof value !== "object" || value === null) return String(value)
  return Object.entries(value)
    .map(([key, item]) => `${key}=${String(item)}`)
    .join(",")
}

/** Pure: settings from the variables and the file's text, or every problem at once. */
export const readSettings = (
  variables: Readonly<Record<string, string>>,
  file: SettingsFile | null
): Result.Result<SettingsShape, SettingsError> => {
  const problems: Array<string> = []
  const keys = file === null ? {} : readFile(file, problems)
  const settings: Partial<Record<keyof SettingsShape, unknown>> = {}
  for (const name of names) {
    const { fallback, key, read, secret }: Definition<unknown> = definitions[name]
    const variable = variables[variableOf(key)]
    const text = variable ?? keys[key]
    if (text === undefined) {
      settings[name] = fallback
      continue
    }
    const value = read(text)
    if (Result.isSuccess(value)) settings[name] = value.success
    else {
      const where = variable === undefined ? `${key} in ${file?.path ?? ""}` : variableOf(key)
      problems.push(`${where}: ${secret === true ? "the value" : JSON.stringify(text)} ${value.failure}`)
    }
  }
  return problems.length > 0
    ? Result.fail(new SettingsError({ problems }))
    : Result.succeed(settings as unknown as SettingsShape)
}

const environment = Effect.forEach(names, (name) => {
  const variable = variableOf(definitions[name].key)
  return Effect.map(
    Config.option(Config.String(variable)),
    Option.map((text) => [variable, text] as const)
  )
}).pipe(
  Effect.map((entries) => Object.fromEntries(entries.flatMap((entry) => (Option.isSome(entry) ? [entry.value] : [])))),
  Effect.mapError((error) => new SettingsError({ problems: [String(error)] }))
)

export class Settings extends Context.Service<Settings, SettingsShape>()("@nxmesh/agent/Settings") {
  /** From the environment (`ConfigProvider`) and the YAML file, when there is one. */
  static readonly layer = (file: SettingsFile | null) =>
    Layer.effect(
      Settings,
      Effect.gen(function* () {
        return yield* Effect.fromResult(readSettings(yield* environment, file))
      })
    )
}
