/** Three processes with one Raft node each (member.ts), on loopback. */
import { fork } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { closeSync, mkdirSync, openSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { end, watched } from "../cluster/Children.ts"
import type { Cluster, MemberStatus } from "../cluster/Cluster.ts"
import type { Endpoint, TlsIdentity } from "../cluster/Endpoint.ts"
import { freePorts } from "../cluster/FreePorts.ts"
import type { MemberAnswer, MemberRequest } from "./MemberMessage.ts"

export interface NodeClusterOptions {
  readonly ids: ReadonlyArray<string>
  readonly directory: string
  /** By member; `null`: no TLS. */
  readonly tls: ReadonlyMap<string, TlsIdentity> | null
  /** Of Node, for each member: a profile, for example. */
  readonly nodeArgs: ReadonlyArray<string>
}

const program = fileURLToPath(new URL("./member.ts", import.meta.url))
const answerTimeoutMillis = 2_000

type Numbered = Exclude<MemberAnswer, { readonly kind: "started" | "stopped" }>

class Member {
  readonly child: ChildProcess
  private readonly waiting = new Map<number, (answer: Numbered) => void>()
  private requests = 0

  constructor(child: ChildProcess) {
    this.child = child
    child.on("message", (answer: MemberAnswer) => {
      if (answer.kind === "stopped") process.stderr.write(`a member stopped: ${answer.message}\n`)
      else if (answer.kind !== "started") this.waiting.get(answer.request)?.(answer)
    })
  }

  ask(make: (request: number) => MemberRequest): Promise<Numbered> {
    const request = ++this.requests
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting.delete(request)
        reject(new Error(`member ${this.child.pid} does not answer`))
      }, answerTimeoutMillis)
      this.waiting.set(request, (answer) => {
        clearTimeout(timer)
        this.waiting.delete(request)
        resolve(answer)
      })
      if (this.child.connected) this.child.send(make(request))
    })
  }
}

export class NodeCluster implements Cluster {
  readonly endpoints: ReadonlyArray<Endpoint>
  private readonly options: NodeClusterOptions
  private readonly members = new Map<string, Member>()

  private constructor(options: NodeClusterOptions, endpoints: ReadonlyArray<Endpoint>) {
    this.options = options
    this.endpoints = endpoints
  }

  static async start(options: NodeClusterOptions): Promise<NodeCluster> {
    const ports = await freePorts(options.ids.length)
    const endpoints = options.ids.map((id, at) => ({ id, host: "127.0.0.1", port: ports[at]! }))
    const cluster = new NodeCluster(options, endpoints)
    for (const id of options.ids) cluster.run(id)
    return cluster
  }

  pids(): ReadonlyArray<number> {
    return [...this.members.values()].flatMap(({ child }) => child.pid ?? [])
  }

  async status(id: string): Promise<MemberStatus> {
    const answer = await this.member(id).ask((request) => ({ kind: "status", request }))
    if (answer.kind !== "status") throw new Error(`member ${id} said ${answer.kind}`)
    return answer
  }

  kill(id: string): void {
    this.member(id).child.kill("SIGKILL")
  }

  async restart(id: string): Promise<void> {
    await end(this.member(id).child, "SIGKILL")
    this.run(id)
  }

  async transferLeadership(from: string, to: string): Promise<void> {
    await this.member(from).ask((request) => ({ kind: "transferLeadership", request, to }))
  }

  /** SIGTERM, so that profiles are written; whoever does not end by itself is killed. */
  async stop(): Promise<void> {
    const children = [...this.members.values()].map(({ child }) => child)
    const killing = setTimeout(() => children.forEach((child) => child.kill("SIGKILL")), 10_000)
    await Promise.all(children.map((child) => end(child, "SIGTERM")))
    clearTimeout(killing)
  }

  private run(id: string): void {
    const directory = join(this.options.directory, id)
    mkdirSync(directory, { recursive: true })
    const log = openSync(join(directory, "log"), "a")
    const child = watched(fork(program, { execArgv: [...this.options.nodeArgs], stdio: ["ignore", log, log, "ipc"] }))
    closeSync(log)
    this.members.set(id, new Member(child))
    const tls = this.options.tls?.get(id) ?? null
    child.send({ kind: "start", start: { id, directory, endpoints: this.endpoints, tls } } satisfies MemberRequest)
  }

  private member(id: string): Member {
    const member = this.members.get(id)
    if (member === undefined) throw new Error(`there is no member ${id}`)
    return member
  }
}
