/**
 * What an operator can set: environment variables first, then the YAML file of `--config`, then defaults. A wrong value
 * stops the start and names the key, the value and what is allowed.
 */
import { type Definitions, settingsHelp as helpOf } from "@nxmesh/core/settings/Definition"
import { settingsFrom } from "@nxmesh/core/settings/ReadSettings"
import type { SettingsFile } from "@nxmesh/core/settings/SettingsFile"
import {
  type Address,
  readAddress,
  readBoolean,
  readLogLevel,
  readRatio,
  readServiceUrl
} from "@nxmesh/core/settings/SettingValues"
import type { DeploymentMode } from "@nxmesh/protocol/model/Agent"
import type { Labels } from "@nxmesh/protocol/model/Text"
import { Context, Layer } from "effect"
import type { LogLevel, Redacted } from "effect"
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
  readonly metricsAddress: Address | null
  /** Set: the agent runs an nginx of its own there. */
  readonly nginxPrefix: string | null
  /** Asked of nginx again and again, as a client would; `null`: the proof socket is enough. */
  readonly healthUrl: string | null
  /** `null`: the first of the usual places. */
  readonly nginxBinary: string | null
  readonly nginxPidFile: string | null
  readonly nginxConfDirectory: string | null
  readonly runtimeDirectory: string | null
  /** Where the agent sees the two directories above, when their volumes are mounted elsewhere for it than for nginx. */
  readonly localConfDirectory: string | null
  readonly localRuntimeDirectory: string | null
  /** The systemd unit of a system nginx. `null`: found out while it runs. */
  readonly nginxService: string | null
  /** Log files that virtual hosts may name lie in it. */
  readonly nginxLogDirectory: string | null
  /** Whether nothing else has a `default_server` on the ports that virtual hosts use. `null`: so in a prefix of its own. */
  readonly nginxOwnsDefaultServer: boolean | null
  /** What the reports that wait for a master may take on the disk. */
  readonly outboxMegabytesMax: number
  /** Where metrics are sent by UDP. */
  readonly statsdAddress: Address | null
  /** Whether nginx writes an access log for the agent, which reads and rotates it. `null`: so beside no container. */
  readonly accessLogs: boolean | null
  /** Logs of other configuration that the agent reads too. */
  readonly logFiles: ReadonlyArray<Values.LogFile>
  /** Where spans go; `null`: nothing is traced. */
  readonly tracesEndpoint: string | null
  /** Of the traces that begin here, how many are recorded. */
  readonly tracesRatio: number
  readonly logLevel: LogLevel.LogLevel
}

/** A container's log directory may be read-only, which only its operator knows. */
export const collectsAccessLogs = ({
  accessLogs,
  deploymentMode
}: Pick<SettingsShape, "accessLogs" | "deploymentMode">): boolean => accessLogs ?? deploymentMode === "standalone"

export const definitions: Definitions<SettingsShape> = {
  masterUrls: {
    key: "master_url",
    read: Values.readMasterUrls,
    fallback: [],
    help: "masters of the cluster, comma-separated, as in wss://master.example:8443",
    several: true
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
    read: Values.readNginxPath,
    fallback: "/var/lib/nxmesh/agent",
    help: "directory of identity, journal and cache [/var/lib/nxmesh/agent]"
  },
  labels: {
    key: "agent_labels",
    read: Values.readLabels,
    fallback: {},
    help: "labels for the first enrolment, as in env=prod,tier=edge; those set over the API win",
    several: true
  },
  metricsAddress: {
    key: "metrics_address",
    read: readAddress,
    fallback: null,
    help: "host:port of the agent's own /metrics [none]"
  },
  healthUrl: {
    key: "health_url",
    read: Values.readHealthUrl,
    fallback: null,
    help: "URL of a site here that must answer 2xx or 3xx, as in http://127.0.0.1/healthz [none]"
  },
  nginxPrefix: {
    key: "nginx_prefix",
    read: Values.readNginxPath,
    fallback: null,
    help: "directory of an nginx that the agent runs itself [none: the system's nginx]"
  },
  nginxBinary: {
    key: "nginx_binary",
    read: Values.readNginxPath,
    fallback: null,
    help: "nginx to run in nginx_prefix, and to ask while none runs [the first of the usual places]"
  },
  nginxPidFile: {
    key: "nginx_pid_file",
    read: Values.readNginxPath,
    fallback: null,
    help: "pid file of nginx, where the agent sees it [/run/nginx.pid, or nginx.pid in nginx_prefix; in a sidecar none is needed]"
  },
  nginxConfDirectory: {
    key: "nginx_conf_dir",
    read: Values.readNginxPath,
    fallback: null,
    help: "directory of the generations, as nginx sees it [/etc/nginx/conf.d, or conf.d in nginx_prefix]"
  },
  runtimeDirectory: {
    key: "runtime_dir",
    read: Values.readRuntimeDirectory,
    fallback: null,
    help: "directory of the proof socket, mode 0700, as nginx sees it [/run/nxmesh, or run in nginx_prefix]"
  },
  localConfDirectory: {
    key: "local_conf_dir",
    read: Values.readNginxPath,
    fallback: null,
    help: "where the agent sees nginx_conf_dir, when the volume is mounted elsewhere for it [nginx_conf_dir]"
  },
  localRuntimeDirectory: {
    key: "local_runtime_dir",
    read: Values.readRuntimeDirectory,
    fallback: null,
    help: "where the agent sees runtime_dir, when the volume is mounted elsewhere for it [runtime_dir]"
  },
  nginxService: {
    key: "nginx_service",
    read: Values.readUnit,
    fallback: null,
    help: "systemd unit of the system's nginx, to start and stop it by [the unit that it is found to run in]"
  },
  nginxLogDirectory: {
    key: "nginx_log_dir",
    read: Values.readNginxPath,
    fallback: null,
    help: "directory of access logs [/var/log/nginx, or logs in nginx_prefix]"
  },
  nginxOwnsDefaultServer: {
    key: "nginx_owns_default_server",
    read: readBoolean,
    fallback: null,
    help: "true when no other file has a default_server on the ports used [true in nginx_prefix, else false]"
  },
  outboxMegabytesMax: {
    key: "outbox_max_mb",
    read: Values.readMegabytes,
    fallback: 64,
    help: "MiB that reports, metrics and logs may take in data_dir while no master takes them [64]"
  },
  statsdAddress: {
    key: "statsd_address",
    read: readAddress,
    fallback: null,
    help: "host:port of a StatsD server that gets the metrics by UDP every 10 s [none]"
  },
  accessLogs: {
    key: "access_logs",
    read: readBoolean,
    fallback: null,
    help: "true: nginx writes nxmesh-access.json in nginx_log_dir, and the agent reads and rotates it [true; false in sidecars]"
  },
  logFiles: {
    key: "log_files",
    read: Values.readLogFiles,
    fallback: [],
    help: "other logs to read, as path:format with the format combined, json or error",
    several: true
  },
  tracesEndpoint: {
    key: "otlp_endpoint",
    variable: "OTEL_EXPORTER_OTLP_ENDPOINT",
    read: readServiceUrl,
    fallback: null,
    help: "base URL of an OpenTelemetry collector, OTLP over HTTP, that traces go to [nothing is traced]"
  },
  tracesRatio: {
    key: "traces_ratio",
    variable: "OTEL_TRACES_SAMPLER_ARG",
    read: readRatio,
    fallback: 0.1,
    help: "of the traces that this agent begins by itself, how many are recorded, 0 to 1; changes follow the masters [0.1]"
  },
  logLevel: {
    key: "log_level",
    read: readLogLevel,
    fallback: "Info",
    help: "least level that is logged: error, warn, info, debug or trace [info]"
  }
}

/** Every setting with its variable and meaning, for `--help`. */
export const settingsHelp: string = helpOf(definitions)

export class Settings extends Context.Service<Settings, SettingsShape>()("@nxmesh/agent/Settings") {
  /** From the environment (`ConfigProvider`) and the YAML file, when there is one. */
  static readonly layer = (file: SettingsFile | null) => Layer.effect(Settings, settingsFrom(definitions, file))
}
