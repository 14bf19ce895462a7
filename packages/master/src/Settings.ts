/**
 * What an operator can set (design section 9): environment variables first, then the YAML file of `--config`, then
 * defaults. A wrong value stops the start and names the key, the value and what is allowed.
 */
import { Config, Context, Data, Effect, Layer, Option, Redacted, Result } from "effect"
import type { LogLevel } from "effect"
import { parse as parseYaml } from "yaml"
import {
  type Address,
  readAddress,
  readEmail,
  readHost,
  readLogLevel,
  readPath,
  readPassword
} from "./SettingValues.ts"

export interface SettingsShape {
  /** REST API, documentation and console. */
  readonly httpAddress: Address
  /** Where agents connect, TLS. */
  readonly agentAddress: Address
  readonly dataDirectory: string
  /** Names this master in logs and certificates. */
  readonly nodeName: string
  /** How clients and agents reach this master, when it is not by the addresses it listens on. */
  readonly advertiseHttp: Address | null
  readonly advertiseAgent: Address | null
  readonly adminEmail: string | null
  readonly adminPassword: Redacted.Redacted<string> | null
  /** The key-encryption key; made in the data directory when not given. */
  readonly secretsKeyFile: string | null
  readonly logLevel: LogLevel.LogLevel
}

interface Definition<A> {
  /** The key in the YAML file. The environment variable is `NXMESH_` and the key in capitals. */
  readonly key: string
  readonly read: (text: string) => Result.Result<A, string>
  readonly fallback: A
  readonly help: string
  readonly secret?: boolean
}

const optional =
  <A>(read: (text: string) => Result.Result<A, string>) =>
  (text: string): Result.Result<A | null, string> =>
    read(text)

const definitions: { readonly [K in keyof SettingsShape]: Definition<SettingsShape[K]> } = {
  httpAddress: {
    key: "http_address",
    read: readAddress,
    fallback: { host: "127.0.0.1", port: 8080 },
    help: "address of the REST API and its documentation [127.0.0.1:8080]; plain HTTP, so put TLS in front before opening it"
  },
  agentAddress: {
    key: "agent_address",
    read: readAddress,
    fallback: { host: "0.0.0.0", port: 8443 },
    help: "address that agents connect to, TLS 1.3 [0.0.0.0:8443]"
  },
  dataDirectory: {
    key: "data_dir",
    read: readPath,
    fallback: "/var/lib/nxmesh/master",
    help: "directory of the log, the state and the keys [/var/lib/nxmesh/master]"
  },
  nodeName: { key: "node_name", read: readHost, fallback: "master", help: "this master's name [master]" },
  advertiseHttp: {
    key: "advertise_http",
    read: optional(readAddress),
    fallback: null,
    help: "host:port by which people reach the API, when it differs from http_address"
  },
  advertiseAgent: {
    key: "advertise_agent",
    read: optional(readAddress),
    fallback: null,
    help: "host:port by which agents reach this master, when it differs from agent_address"
  },
  adminEmail: {
    key: "admin_email",
    read: optional(readEmail),
    fallback: null,
    help: "email of the first administrator, at the first start [admin@nxmesh.local]"
  },
  adminPassword: {
    key: "admin_password",
    read: optional(readPassword),
    fallback: null,
    help: "password of the first administrator [made up, and written to first-login in data_dir]",
    secret: true
  },
  secretsKeyFile: {
    key: "secrets_key_file",
    read: optional(readPath),
    fallback: null,
    help: "file of the key-encryption key, mode 0600 [made in data_dir]"
  },
  logLevel: {
    key: "log_level",
    read: readLogLevel,
    fallback: "Info",
    help: "least level that is logged: error, warn, info, debug or trace [info]"
  }
}

const names = Object.keys(definitions) as ReadonlyArray<keyof SettingsShape>
const variableOf = (key: string) => `NXMESH_${key.toUpperCase()}`

/** Every setting with its variable and meaning, for `--help`. */
export const settingsHelp: string = names
  .map((name) => `  ${variableOf(definitions[name].key).padEnd(26)} ${definitions[name].help}`)
  .join("\n")

export class SettingsError extends Data.TaggedError("SettingsError")<{ readonly problems: ReadonlyArray<string> }> {
  override get message() {
    return this.problems.join("\n")
  }
}

/** Reads one setting, or says what is wrong with it. */
const readOne = <A>(definition: Definition<A>, source: { readonly name: string; readonly text: string }) =>
  Result.mapError(
    definition.read(source.text),
    (allowed) => `${source.name}: ${definition.secret === true ? "the value" : JSON.stringify(source.text)} ${allowed}`
  )

/** Pure: settings from the variables and the file's text, or every problem at once. */
export const readSettings = (
  variables: Readonly<Record<string, string>>,
  file: { readonly path: string; readonly text: string } | null
): Result.Result<SettingsShape, SettingsError> => {
  const problems: Array<string> = []
  const keys = readFile(file, problems)
  const settings: Partial<Record<keyof SettingsShape, unknown>> = {}
  for (const name of names) {
    const definition: Definition<unknown> = definitions[name]
    const variable = variables[variableOf(definition.key)]
    const inFile = keys[definition.key]
    if (variable === undefined && inFile === undefined) {
      settings[name] = definition.fallback
      continue
    }
    const source =
      variable === undefined
        ? { name: `${definition.key} in ${file?.path ?? ""}`, text: String(inFile) }
        : { name: variableOf(definition.key), text: variable }
    const value = readOne(definition, source)
    if (Result.isFailure(value)) problems.push(value.failure)
    else settings[name] = value.success
  }
  return problems.length > 0
    ? Result.fail(new SettingsError({ problems }))
    : Result.succeed(settings as unknown as SettingsShape)
}

const readFile = (
  file: { readonly path: string; readonly text: string } | null,
  problems: Array<string>
): Readonly<Record<string, unknown>> => {
  if (file === null) return {}
  const known = new Set(names.map((name) => definitions[name].key))
  let content: unknown
  try {
    content = parseYaml(file.text) ?? {}
  } catch (cause) {
    problems.push(`${file.path}: is not YAML: ${cause instanceof Error ? cause.message : String(cause)}`)
    return {}
  }
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    problems.push(`${file.path}: must hold keys and values, as in http_address: 127.0.0.1:8080`)
    return {}
  }
  for (const [key, value] of Object.entries(content)) {
    if (!known.has(key)) problems.push(`${key} in ${file.path}: is not a setting; known are ${[...known].join(", ")}`)
    else if (typeof value === "object") problems.push(`${key} in ${file.path}: must be one value`)
  }
  return Object.fromEntries(Object.entries(content).filter(([, value]) => typeof value !== "object"))
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

export class Settings extends Context.Service<Settings, SettingsShape>()("@nxmesh/master/Settings") {
  /** From the environment (`ConfigProvider`) and the YAML file, when there is one. */
  static readonly layer = (file: { readonly path: string; readonly text: string } | null) =>
    Layer.effect(
      Settings,
      Effect.gen(function* () {
        return yield* Effect.fromResult(readSettings(yield* environment, file))
      })
    )
}
