/** Three etcd processes on loopback, with their logs flushed as etcd does by default. */
import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { closeSync, existsSync, openSync } from "node:fs"
import { join } from "node:path"
import { env } from "node:process"
import { end, watched } from "../cluster/Children.ts"
import type { Cluster, MemberStatus } from "../cluster/Cluster.ts"
import type { Endpoint, TlsIdentity } from "../cluster/Endpoint.ts"
import { freePorts } from "../cluster/FreePorts.ts"
import { writeIdentity } from "../cluster/TlsFiles.ts"
import type { TlsPaths } from "../cluster/TlsFiles.ts"
import { GrpcConnection } from "./GrpcConnection.ts"
import { decodeFields, messageField, moveLeaderRequest, numberField } from "./Protobuf.ts"

/** Milliseconds. The defaults of etcd are 100 and 1,000; it draws each election's timeout from one to two times the second. */
export interface EtcdTiming {
  readonly heartbeatMillis: number
  readonly electionMillis: number
}

export const defaultTiming: EtcdTiming = { heartbeatMillis: 100, electionMillis: 1_000 }
/** As close to ours (heartbeat 50, election 250 to 500) as etcd allows. */
export const tunedTiming: EtcdTiming = { heartbeatMillis: 50, electionMillis: 250 }

export interface EtcdOptions {
  readonly program: string
  readonly directory: string
  readonly timing: EtcdTiming
  /** Of members by name, and of the client that asks for status; `null`: no TLS. */
  readonly tls: { readonly members: ReadonlyMap<string, TlsIdentity>; readonly client: TlsIdentity } | null
}

const names = ["a", "b", "c"]
const statusTimeoutMillis = 2_000

/** Where an etcd is installed; `null`: nowhere. */
export const findEtcd = (): string | null =>
  (env["PATH"] ?? "")
    .split(":")
    .map((directory) => join(directory, "etcd"))
    .find((path) => existsSync(path)) ?? null

interface Member {
  readonly endpoint: Endpoint
  readonly args: ReadonlyArray<string>
  process: ChildProcess | null
  connection: GrpcConnection | null
  /** etcd's own number for it. */
  id: bigint
}

const tlsArgs = ({ ca, cert, key }: TlsPaths): ReadonlyArray<string> =>
  ["", "peer-"].flatMap((kind) => [
    `--${kind}cert-file=${cert}`,
    `--${kind}key-file=${key}`,
    `--${kind}trusted-ca-file=${ca}`,
    `--${kind}client-cert-auth`
  ])

export class EtcdCluster implements Cluster {
  readonly endpoints: ReadonlyArray<Endpoint>
  private readonly options: EtcdOptions
  private readonly members: ReadonlyMap<string, Member>

  private constructor(options: EtcdOptions, members: ReadonlyArray<Member>) {
    this.options = options
    this.members = new Map(members.map((member) => [member.endpoint.id, member]))
    this.endpoints = members.map(({ endpoint }) => endpoint)
  }

  static async start(options: EtcdOptions): Promise<EtcdCluster> {
    const ports = await freePorts(names.length * 2)
    const scheme = options.tls === null ? "http" : "https"
    const peerUrl = (at: number): string => `${scheme}://127.0.0.1:${ports[names.length + at]}`
    const initialCluster = names.map((name, at) => `${name}=${peerUrl(at)}`).join(",")
    const members = names.map((name, at): Member => {
      const clientUrl = `${scheme}://127.0.0.1:${ports[at]}`
      const identity = options.tls?.members.get(name)
      const args = [
        `--name=${name}`,
        `--data-dir=${join(options.directory, name)}`,
        `--listen-client-urls=${clientUrl}`,
        `--advertise-client-urls=${clientUrl}`,
        `--listen-peer-urls=${peerUrl(at)}`,
        `--initial-advertise-peer-urls=${peerUrl(at)}`,
        `--initial-cluster=${initialCluster}`,
        `--heartbeat-interval=${options.timing.heartbeatMillis}`,
        `--election-timeout=${options.timing.electionMillis}`,
        "--logger=zap",
        "--log-level=panic",
        ...(identity === undefined ? [] : tlsArgs(writeIdentity(join(options.directory, "tls", name), identity)))
      ]
      const endpoint = { id: name, host: "127.0.0.1", port: ports[at]! }
      return { endpoint, args, process: null, connection: null, id: 0n }
    })
    const cluster = new EtcdCluster(options, members)
    for (const member of members) cluster.run(member)
    return cluster
  }

  pids(): ReadonlyArray<number> {
    return [...this.members.values()].flatMap(({ process }) => process?.pid ?? [])
  }

  async status(name: string): Promise<MemberStatus> {
    const fields = decodeFields(await this.call(name, "Status", new Uint8Array(0)))
    this.member(name).id = numberField(messageField(fields, 1), 2)
    const leader = numberField(fields, 4)
    const known = [...this.members.values()].find(({ id }) => id === leader)
    return {
      leader: leader === 0n ? null : (known?.endpoint.id ?? null),
      term: Number(numberField(fields, 6)),
      applied: Number(numberField(fields, 7))
    }
  }

  kill(name: string): void {
    this.member(name).process?.kill("SIGKILL")
  }

  async restart(name: string): Promise<void> {
    const member = this.member(name)
    if (member.process !== null) await end(member.process, "SIGKILL")
    this.run(member)
  }

  async transferLeadership(from: string, to: string): Promise<void> {
    await this.call(from, "MoveLeader", moveLeaderRequest(this.member(to).id))
  }

  async stop(): Promise<void> {
    for (const { connection } of this.members.values()) connection?.close()
    const running = [...this.members.values()].flatMap(({ process }) => process ?? [])
    await Promise.all(running.map((process) => end(process, "SIGKILL")))
  }

  private run(member: Member): void {
    const log = openSync(join(this.options.directory, `${member.endpoint.id}.log`), "a")
    const child = watched(spawn(this.options.program, member.args, { stdio: ["ignore", log, log] }))
    closeSync(log)
    member.process = child
    child.once("error", (error) => process.stderr.write(`etcd could not be started: ${error.message}\n`))
  }

  private member(name: string): Member {
    const member = this.members.get(name)
    if (member === undefined) throw new Error(`there is no member ${name}`)
    return member
  }

  private call(name: string, method: string, request: Uint8Array): Promise<Uint8Array> {
    const member = this.member(name)
    if (member.connection === null || member.connection.isBroken) {
      member.connection = new GrpcConnection(member.endpoint, this.options.tls?.client ?? null)
    }
    const { connection } = member
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        connection.close()
        reject(new Error(`etcd ${name} does not answer ${method}`))
      }, statusTimeoutMillis)
      connection.call(`/etcdserverpb.Maintenance/${method}`, request, (answer, failure) => {
        clearTimeout(timer)
        if (answer === null) reject(new Error(`${method} of etcd ${name}: ${failure}`))
        else resolve(answer)
      })
    })
  }
}
