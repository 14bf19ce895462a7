/**
 * The Raft thread: it binds a node (Replica.ts) to its storage threads, its sockets, a timer and the host's thread. It
 * decides nothing, and never blocks.
 */
import { randomInt } from "node:crypto"
import { writeSync } from "node:fs"
import { kill, pid } from "node:process"
import type { MessagePort } from "node:worker_threads"
import { parentPort, workerData } from "node:worker_threads"
import { Result } from "effect"
import type { Index } from "../../core/Types.ts"
import { Limits } from "../../Limits.ts"
import { StorageThread } from "../../storage/thread/StorageThread.ts"
import { systemEnvironment } from "../../transport/Environment.ts"
import { TcpTransport } from "../../transport/tcp/TcpTransport.ts"
import type { HostRequest } from "../HostMessage.ts"
import { NodeStopped } from "../NodeStopped.ts"
import { Replica } from "../Replica.ts"
import { packRequests, unpackMessages } from "./HostPacket.ts"
import { stoppedMessage } from "./ThreadMessage.ts"
import type { ThreadSettings, ToHost, ToRaft } from "./ThreadMessage.ts"
import { TurnGathering } from "./TurnGathering.ts"

const standardError = 2
const seeds = 2 ** 32

/** Once all that arrived in this turn of the event loop has been handled. */
const atEndOfTurn = (action: () => void): void => void setImmediate(action)

class NodeWorker {
  private readonly port: MessagePort
  private readonly settings: ThreadSettings
  private readonly requests: TurnGathering<HostRequest>
  private storage: StorageThread | null = null
  private transport: TcpTransport | null = null
  private replica: Replica | null = null
  private ticking: NodeJS.Timeout | undefined
  /** Keeps the process alive after all. */
  private spare: () => void = () => undefined
  private hasStopped = false

  constructor(port: MessagePort, settings: ThreadSettings) {
    this.port = port
    this.settings = settings
    this.requests = new TurnGathering(atEndOfTurn, (requests) => {
      const packet = packRequests(requests)
      this.post({ kind: "packet", packet }, [packet.bytes.buffer])
    })
    port.on("message", (message: ToRaft) => this.hear(message))
  }

  async open(): Promise<void> {
    const { directory, fileSystemModule, log } = this.settings
    const listener = {
      durable: (sequence: number, logBytes: number) => this.replica?.durable(sequence, logBytes),
      failed: (failure: Error) => this.stop(failure)
    }
    this.storage = await StorageThread.open(directory, listener, { log, fileSystemModule })
    const { recovered, report } = this.storage
    const { base, snapshot } = recovered
    this.post({ kind: "recovered", recovered: { base: base.index, snapshot, report } })
  }

  /** Whatever fails ends the node. */
  attempt(work: Promise<void>): void {
    work.catch((cause: unknown) => this.stop(cause))
  }

  private hear(message: ToRaft): void {
    switch (message.kind) {
      case "packet":
        for (const told of unpackMessages(message.packet)) this.replica?.hear(told)
        return
      case "readSnapshot":
        return this.readSnapshot(message.index, message.offset, message.bytesMax)
      case "start":
        return this.attempt(this.start(message.applied))
      case "peers":
        return this.transport?.setPeers(message.peers)
      case "identity":
        return this.transport?.setTls(message.identity)
      case "close":
        return this.attempt(this.close())
      case "heard":
        return this.spare()
    }
  }

  private readSnapshot(index: Index, offset: number, bytesMax: number): void {
    this.storage?.readSnapshot(index, offset, bytesMax, (outcome) => {
      if (Result.isFailure(outcome)) this.stop(outcome.failure)
      else this.post({ kind: "chunk", data: outcome.success })
    })
  }

  private async start(applied: Index): Promise<void> {
    const { storage } = this
    if (storage === null) return
    const { network, options, peers } = this.settings
    const replica = new Replica(
      options,
      { ...storage.recovered, applied, seed: randomInt(seeds) },
      {
        storage,
        send: (message) => this.transport?.send(message),
        host: (request) => this.tellHost(request),
        nowMillis: systemEnvironment.nowMillis,
        wallMillis: () => Date.now(),
        later: atEndOfTurn,
        stopped: (failure) => this.stop(failure),
        observe: () => undefined
      }
    )
    this.replica = replica
    const problem = ({ message }: Error): void => this.post({ kind: "problem", message })
    this.transport = await TcpTransport.open(
      { ...network, id: options.id, problem },
      {
        received: (message) => replica.receive(message),
        unreachable: (peer) => replica.unreachable(peer),
        called: (call, reply) => replica.call(call, reply)
      }
    )
    this.transport.setPeers(peers)
    this.ticking = setInterval(() => replica.tick(), options.tickMillis)
    this.post({ kind: "started", started: { address: this.transport.address, status: replica.status() } })
  }

  private async close(): Promise<void> {
    const { replica } = this
    if (replica !== null && !this.hasStopped) await new Promise<void>((resolve) => replica.close(resolve))
    clearInterval(this.ticking)
    await this.transport?.close()
    await this.storage?.close()
    this.requests.flush()
    this.post({ kind: "closed" })
  }

  /** Tells the host. One that does not hear it is blocked, and the process ends: nothing else may. */
  private stop(cause: unknown): void {
    if (this.hasStopped) return
    this.hasStopped = true
    clearInterval(this.ticking)
    this.attempt(Promise.resolve(this.transport?.close()))
    const failure = stoppedMessage(cause)
    this.requests.flush()
    this.post({ kind: "stopped", failure })
    // A lost host had its time already.
    const millis = failure.reason === "HostLost" ? Limits.thread.heardMillis : this.settings.options.hostLostMillis
    this.spare = systemEnvironment.after(millis, () => {
      writeSync(standardError, `${new NodeStopped(failure).message} The process is ended.\n`)
      kill(pid, "SIGKILL")
    })
  }

  /** That the node stopped is told by `stop`, which waits for the answer. */
  private tellHost(request: HostRequest): void {
    if (request.kind !== "stopped") this.requests.add(request)
  }

  private post(message: ToHost, transfer: ReadonlyArray<ArrayBuffer> = []): void {
    this.port.postMessage(message, transfer)
  }
}

if (parentPort !== null) {
  const worker = new NodeWorker(parentPort, workerData as ThreadSettings)
  worker.attempt(worker.open())
}
