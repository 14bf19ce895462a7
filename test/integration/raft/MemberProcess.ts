/** A test's handle on the process of one member. */
import type { Status } from "@nxmesh/raft/node/Status"
import type { Address } from "@nxmesh/raft/transport/Transport"
import { fork } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { script } from "../../support/Scripts.ts"
import type { FromMember, MemberRequest, MemberStart, ToMember } from "./MemberMessage.ts"

const member = await script("raftMember")

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (cause: Error) => void
}

const factMillis = 25_000

export class MemberProcess {
  readonly id: string
  /** Everything that it said of itself, since it started. */
  readonly statuses: Array<Status> = []
  /** Why it stopped by itself. */
  stopped: string | null = null
  errors = ""
  private readonly child: ChildProcess
  private readonly exited: Promise<NodeJS.Signals | null>
  private readonly started: Promise<Address>
  private readonly asked = new Map<number, Waiting>()
  private readonly watchers = new Set<(status: Status) => void>()
  private questions = 0

  constructor(start: MemberStart) {
    this.id = start.options.id
    this.child = fork(member, { serialization: "advanced", stdio: "pipe" })
    this.child.stderr?.on("data", (piece: Buffer) => (this.errors += piece.toString()))
    this.exited = new Promise((resolve) => this.child.once("exit", (_code, signal) => resolve(signal)))
    this.started = new Promise((resolve, reject) => {
      this.child.on("message", (message: FromMember) => {
        if (message.kind === "started") resolve(message.address)
        this.hear(message)
      })
      void this.exited.then(() => {
        const cause = new Error(`member ${this.id} ended: ${this.stopped ?? this.errors}`)
        reject(cause)
        for (const waiting of this.asked.values()) waiting.reject(cause)
      })
    })
    this.started.catch(() => undefined)
    this.tell({ kind: "start", start })
  }

  get status(): Status | undefined {
    return this.statuses.at(-1)
  }

  /** Where it listens, once it does. */
  address(): Promise<Address> {
    return this.started
  }

  /** Fails as the node fails. */
  ask<A = unknown>(request: MemberRequest): Promise<A> {
    const id = ++this.questions
    return new Promise<unknown>((resolve, reject) => {
      this.asked.set(id, { resolve, reject })
      this.tell({ kind: "request", id, request })
    }) as Promise<A>
  }

  /** Waits until the member says something of which this holds. */
  until(fact: string, holds: (status: Status) => boolean, timeoutMillis = factMillis): Promise<Status> {
    const latest = this.status
    if (latest !== undefined && holds(latest)) return Promise.resolve(latest)
    return new Promise((resolve, reject) => {
      const give = (): void => {
        this.watchers.delete(watch)
        reject(new Error(`member ${this.id}: it never happened that ${fact}; last: ${JSON.stringify(this.status)}`))
      }
      const timer = setTimeout(give, timeoutMillis)
      const watch = (status: Status): void => {
        if (!holds(status)) return
        clearTimeout(timer)
        this.watchers.delete(watch)
        resolve(status)
      }
      this.watchers.add(watch)
    })
  }

  /** Resolves with the signal that ended it, when it has ended. */
  end(): Promise<NodeJS.Signals | null> {
    return this.exited
  }

  kill(): Promise<unknown> {
    this.child.kill("SIGKILL")
    return this.exited
  }

  close(): Promise<unknown> {
    this.tell({ kind: "close" })
    return this.exited
  }

  private tell(message: ToMember): void {
    if (this.child.connected) this.child.send(message)
  }

  private hear(message: FromMember): void {
    switch (message.kind) {
      case "status":
        this.statuses.push(message.status)
        for (const watch of this.watchers) watch(message.status)
        return
      case "stopped":
        this.stopped = message.message
        return
      case "answer":
        this.asked.get(message.id)?.resolve(message.value)
        this.asked.delete(message.id)
        return
      case "failure":
        this.asked.get(message.id)?.reject(new Error(message.message))
        this.asked.delete(message.id)
        return
      case "started":
    }
  }
}
