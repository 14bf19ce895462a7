/** The host's side of the Raft thread: starts it, passes messages, and notices when it ends. */
import { Worker } from "node:worker_threads"
import type { Index, NodeId, Snapshot } from "../../core/Types.ts"
import type { TlsIdentity } from "../../transport/tcp/Tls.ts"
import type { Address } from "../../transport/Transport.ts"
import type { HostMessage, HostRequest } from "../HostMessage.ts"
import { NodeStopped } from "../NodeStopped.ts"
import { packMessages, unpackRequests } from "./HostPacket.ts"
import type { RecoveredNode, StartedNode, ThreadSettings, ToHost, ToRaft } from "./ThreadMessage.ts"
import { TurnGathering } from "./TurnGathering.ts"

export interface NodeThreadListener {
  /** For the operator; nothing has to be done about it by the program. */
  readonly problem: (message: string) => void
  /** The node cannot go on, or was closed. Called once, after whoever hears was told. */
  readonly stopped: (failure: NodeStopped) => void
}

type AnswerKind = "recovered" | "chunk" | "started" | "closed"
type AnswerOf<K extends AnswerKind> = Extract<ToHost, { readonly kind: K }>

interface Waiting {
  readonly resolve: (answer: ToHost) => void
  readonly reject: (failure: NodeStopped) => void
}

export class NodeThread {
  private readonly worker: Worker
  private readonly listener: NodeThreadListener
  private readonly messages: TurnGathering<HostMessage>
  /** Whoever waits for an answer: at most one for each kind. */
  private readonly waiting = new Map<AnswerKind, Waiting>()
  private heard: (request: HostRequest) => void = () => undefined
  private failure: NodeStopped | null = null

  constructor(settings: ThreadSettings, listener: NodeThreadListener) {
    this.listener = listener
    this.worker = new Worker(new URL("./NodeWorker.ts", import.meta.url), { workerData: settings })
    this.worker.on("message", (message: ToHost) => this.receive(message))
    this.worker.on("error", (cause) => this.fail(crashed(cause)))
    this.worker.on("exit", () => this.fail(crashed(null)))
    this.messages = new TurnGathering(queueMicrotask, (messages) => {
      const packet = packMessages(messages)
      this.post({ kind: "packet", packet }, [packet.bytes.buffer])
    })
  }

  /** What storage found. All of these reject with NodeStopped. */
  async recovered(): Promise<RecoveredNode> {
    return (await this.next("recovered")).recovered
  }

  /** Part of the newest snapshot, before the start. */
  async readSnapshot({ metadata }: Snapshot, offset: number, bytesMax: number): Promise<Uint8Array> {
    this.post({ kind: "readSnapshot", index: metadata.index, offset, bytesMax })
    return (await this.next("chunk")).data ?? new Uint8Array()
  }

  /** From here on `heard` gets what the Raft thread wants; the last of it is `stopped`. */
  async start(applied: Index, heard: (request: HostRequest) => void): Promise<StartedNode> {
    this.heard = heard
    this.post({ kind: "start", applied })
    return (await this.next("started")).started
  }

  tell(message: HostMessage): void {
    this.messages.add(message)
  }

  setPeers(peers: ReadonlyMap<NodeId, Address>): void {
    this.post({ kind: "peers", peers })
  }

  setIdentity(identity: TlsIdentity): void {
    this.post({ kind: "identity", identity })
  }

  /** Hands over leadership and flushes, unless the node has stopped by itself. Nothing is asked afterwards. */
  async close(): Promise<void> {
    if (this.failure !== null) return
    this.messages.flush()
    this.post({ kind: "close" })
    await this.next("closed")
  }

  /** Ends the thread at once: what it was doing ends as by a crash, which a node survives. */
  async terminate(): Promise<void> {
    this.fail(new NodeStopped({ reason: "Closed", detail: "its scope was closed" }))
    await this.worker.terminate()
  }

  private next<K extends AnswerKind>(kind: K): Promise<AnswerOf<K>> {
    if (this.failure !== null) return Promise.reject(this.failure)
    return new Promise<ToHost>((resolve, reject) => {
      this.waiting.set(kind, { resolve, reject })
    }) as Promise<AnswerOf<K>>
  }

  private receive(message: ToHost): void {
    switch (message.kind) {
      case "packet":
        for (const request of unpackRequests(message.packet)) this.heard(request)
        return
      case "problem":
        return this.listener.problem(message.message)
      case "stopped":
        this.post({ kind: "heard" })
        return this.fail(new NodeStopped(message.failure))
      case "recovered":
      case "chunk":
      case "started":
      case "closed":
        this.waiting.get(message.kind)?.resolve(message)
        this.waiting.delete(message.kind)
    }
  }

  private fail(failure: NodeStopped): void {
    if (this.failure !== null) return
    this.failure = failure
    for (const { reject } of this.waiting.values()) reject(failure)
    this.waiting.clear()
    this.heard({ kind: "stopped", failure })
    this.listener.stopped(failure)
  }

  private post(message: ToRaft, transfer: ReadonlyArray<ArrayBuffer> = []): void {
    this.worker.postMessage(message, transfer)
  }
}

const crashed = (cause: unknown): NodeStopped =>
  new NodeStopped({
    reason: "ThreadFailed",
    detail: `the Raft thread ended${cause instanceof Error ? `: ${cause.message}` : ""}`,
    cause
  })
