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
  readHost,
  readLogLevel,
  readPath,
  readRatio,
  readServiceUrl
} from "@nxmesh/core/settings/SettingValues"
import { Context, Duration, Layer } from "effect"
import type { LogLevel, Redacted } from "effect"
import {
  type AddressBlock,
  type ClusterUpgrade,
  readAddresses,
  readBlocks,
  readBootstrapExpect,
  readDuration,
  readClusterUpgrade,
  readEmail,
  readJoinToken,
  readMegabytes,
  readDatabaseUrl,
  readPassword,
  readRedisUrl,
  readTlsVersion,
  type TlsVersion
} from "./SettingValues.ts"

export interface SettingsShape {
  /** REST API, documentation and console. */
  readonly httpAddress: Address
  /** Where agents connect, TLS. */
  readonly agentAddress: Address
  /** Where other masters connect for Raft, TLS on both sides. */
  readonly peerAddress: Address
  readonly dataDirectory: string
  /** Names this master in logs and certificates. */
  readonly nodeName: string
  /** How clients, agents and masters reach this master, when it is not by the addresses it listens on. */
  readonly advertiseHttp: Address | null
  readonly advertiseAgent: Address | null
  readonly advertisePeer: Address | null
  /** Agent addresses of the cluster's masters, one of which lets this one in. Empty: this master makes a cluster. */
  readonly join: ReadonlyArray<Address>
  readonly joinToken: Redacted.Redacted<string> | null
  /** What masters that form a cluster by themselves have in common. */
  readonly clusterSecretFile: string | null
  /** How many masters form the cluster by themselves. */
  readonly bootstrapExpect: number | null
  /** Whether a member that has been dead for long is removed, while the rest is strong enough without it. */
  readonly autopilotCleanup: boolean
  /** Whether this master, when it leads, raises the cluster's version as soon as all know the next. */
  readonly clusterUpgrade: ClusterUpgrade
  /** How often the leader has all masters compare their states, and how often each reads all of its own. */
  readonly stateCheckInterval: Duration.Duration
  readonly stateFullCheckInterval: Duration.Duration
  /** Networks that webhooks may reach beside public addresses. */
  readonly webhookNetworks: ReadonlyArray<AddressBlock>
  /** The API's own TLS: PEM files, read again while the master runs; `null` on both: plain HTTP. */
  readonly tlsCertificateFile: string | null
  readonly tlsKeyFile: string | null
  readonly tlsMinVersion: TlsVersion
  /** Where browsers that come by plain HTTP are sent to https from. */
  readonly httpRedirectAddress: Address | null
  /** Proxies in front of the API, whose `X-Forwarded-For` says who asks. */
  readonly trustedProxies: ReadonlyArray<AddressBlock>
  readonly adminEmail: string | null
  readonly adminPassword: Redacted.Redacted<string> | null
  /** The key-encryption key; made in the data directory when not given. */
  readonly secretsKeyFile: string | null
  /** What the fleet's health, metrics and logs may take on this master's disk, and how long they are kept. */
  readonly telemetryMegabytesMax: number
  readonly telemetryKept: Duration.Duration
  /** Where all masters keep what the fleet tells; `null`: each in its own data directory. */
  readonly databaseUrl: Redacted.Redacted<string> | null
  /** Where masters keep what they share and may lose: counters of rate limits, live tails. */
  readonly redisUrl: Redacted.Redacted<string> | null
  /** Where the built console is; `null`: none is served. */
  readonly consoleDirectory: string | null
  /** Where spans go; `null`: nothing is traced. */
  readonly tracesEndpoint: string | null
  /** Of the traces that begin here, how many are recorded; `null`: as the installation's settings say. */
  readonly tracesRatio: number | null
  readonly logLevel: LogLevel.LogLevel
}

export const definitions: Definitions<SettingsShape> = {
  httpAddress: {
    key: "http_address",
    read: readAddress,
    fallback: { host: "127.0.0.1", port: 8080 },
    help: "address of the REST API and its documentation [127.0.0.1:8080]; plain HTTP unless tls_certificate_file is set"
  },
  agentAddress: {
    key: "agent_address",
    read: readAddress,
    fallback: { host: "0.0.0.0", port: 8443 },
    help: "address that agents connect to, TLS 1.3 [0.0.0.0:8443]"
  },
  peerAddress: {
    key: "peer_address",
    read: readAddress,
    fallback: { host: "0.0.0.0", port: 7443 },
    help: "address that the other masters of the cluster connect to, TLS 1.3 on both sides [0.0.0.0:7443]"
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
    read: readAddress,
    fallback: null,
    help: "host:port by which people reach the API, when it differs from http_address"
  },
  advertiseAgent: {
    key: "advertise_agent",
    read: readAddress,
    fallback: null,
    help: "host:port by which agents reach this master, when it differs from agent_address"
  },
  advertisePeer: {
    key: "advertise_peer",
    read: readAddress,
    fallback: null,
    help: "host:port by which other masters reach this one, when peer_address names no host; needed to join a cluster"
  },
  join: {
    key: "join",
    read: readAddresses,
    fallback: [],
    help: "agent addresses, host:port, of masters of the cluster to join, at the first start [a cluster of its own]",
    several: true
  },
  joinToken: {
    key: "join_token",
    read: readJoinToken,
    fallback: null,
    help: "the one-time token to join with, as the cluster's API answers it",
    secret: true
  },
  clusterSecretFile: {
    key: "cluster_secret_file",
    read: readPath,
    fallback: null,
    help: "file of the secret that masters show each other to form a cluster without tokens, mode 0600"
  },
  bootstrapExpect: {
    key: "bootstrap_expect",
    read: readBootstrapExpect,
    fallback: null,
    help: "how many masters form the cluster, with cluster_secret_file: the cluster begins when all of them are there"
  },
  autopilotCleanup: {
    key: "autopilot_cleanup",
    read: readBoolean,
    fallback: false,
    help: "true: a master that has been dead for 30 minutes is removed from the cluster while three others vote and live [false]"
  },
  clusterUpgrade: {
    key: "cluster_upgrade",
    read: readClusterUpgrade,
    fallback: "auto",
    help: "auto: the cluster's version rises when every master knows the next; manual: only by nxmesh cluster upgrade [auto]"
  },
  stateCheckInterval: {
    key: "state_check_interval",
    read: readDuration,
    fallback: Duration.minutes(1),
    help: "how often the masters compare their states [60s]"
  },
  stateFullCheckInterval: {
    key: "state_full_check_interval",
    read: readDuration,
    fallback: Duration.days(1),
    help: "how often a master reads all of its state and compares it with what its changes should have made of it [1d]"
  },
  webhookNetworks: {
    key: "webhook_networks",
    read: readBlocks,
    fallback: [],
    help: "addresses and CIDR blocks that webhooks may call though they are not public, the same on every master [none]",
    several: true
  },
  tlsCertificateFile: {
    key: "tls_certificate_file",
    read: readPath,
    fallback: null,
    help: "PEM file of the API's certificate with its chain; read again when it changes [plain HTTP]"
  },
  tlsKeyFile: {
    key: "tls_key_file",
    read: readPath,
    fallback: null,
    help: "PEM file of the private key of tls_certificate_file, without a passphrase"
  },
  tlsMinVersion: {
    key: "tls_min_version",
    read: readTlsVersion,
    fallback: "TLSv1.3",
    help: "least version of TLS that the API takes: 1.2 or 1.3 [1.3]; agents and masters always speak 1.3"
  },
  httpRedirectAddress: {
    key: "http_redirect_address",
    read: readAddress,
    fallback: null,
    help: "address from which browsers that come by plain HTTP are sent to the API's https [none]"
  },
  trustedProxies: {
    key: "trusted_proxies",
    read: readBlocks,
    fallback: [],
    help: "addresses and CIDR blocks of proxies in front of the API, whose X-Forwarded-For is believed [none]",
    several: true
  },
  adminEmail: {
    key: "admin_email",
    read: readEmail,
    fallback: null,
    help: "email of the first administrator, at the first start [admin@nxmesh.local]"
  },
  adminPassword: {
    key: "admin_password",
    read: readPassword,
    fallback: null,
    help: "password of the first administrator [made up, and written to first-login in data_dir]",
    secret: true
  },
  secretsKeyFile: {
    key: "secrets_key_file",
    read: readPath,
    fallback: null,
    help: "file of the key-encryption key, mode 0600 [made in data_dir]"
  },
  telemetryMegabytesMax: {
    key: "telemetry_max_mb",
    read: readMegabytes,
    fallback: 1_024,
    help: "MiB that health, metrics and logs of agents may take in data_dir, the oldest go first [1024]"
  },
  telemetryKept: {
    key: "telemetry_kept",
    read: readDuration,
    fallback: Duration.days(7),
    help: "how long health, metrics and logs of agents are kept [7d]"
  },
  databaseUrl: {
    key: "database_url",
    variable: "DATABASE_URL",
    read: readDatabaseUrl,
    fallback: null,
    help: "postgres:// URL of the database that all masters keep health, metrics, logs and events in [telemetry.db in data_dir]",
    secret: true
  },
  redisUrl: {
    key: "redis_url",
    variable: "REDIS_URL",
    read: readRedisUrl,
    fallback: null,
    help: "redis:// or rediss:// URL of the Redis that masters share rate limits and live tails through [each master by itself]",
    secret: true
  },
  consoleDirectory: {
    key: "console_dir",
    read: readPath,
    fallback: null,
    help: "folder of the built console, which is served at / [none]"
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
    fallback: null,
    help: "of the traces that begin at this master, how many are recorded, 0 to 1 [as the installation's settings say]"
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

export class Settings extends Context.Service<Settings, SettingsShape>()("@nxmesh/master/Settings") {
  /** From the environment (`ConfigProvider`) and the YAML file, when there is one. */
  static readonly layer = (file: SettingsFile | null) => Layer.effect(Settings, settingsFrom(definitions, file))
}
