/**
 * The way to one peer, on one of two connections, so that heartbeats and votes never wait behind data. It only sends:
 * what the peer sends comes on connections that the peer opened. While there is no connection messages are dropped, and
 * when too much waits they are too.
 */
import { backoffMillis } from "@nxmesh/core/policy/Backoff"
import type { Message } from "../../core/Message.ts"
import { Limits } from "../../Limits.ts"
import { messageCodec } from "../MessageFormat.ts"
import type { Address } from "../Transport.ts"
import type { Connection } from "./Connection.ts"
import { dial, type Security } from "./Dial.ts"
import type { Environment } from "../Environment.ts"
import type { Hello, Lane } from "./Hello.ts"
import type { TransportError } from "./TransportError.ts"

export const laneOf = (message: Message): Lane =>
  message._tag === "AppendRequest" || message._tag === "SnapshotChunk" ? "bulk" : "control"

const waitingBytesMax: Readonly<Record<Lane, number>> = {
  control: Limits.transport.controlWaitingBytesMax,
  bulk: Limits.transport.bulkWaitingBytesMax
}

export interface PeerLinkOptions {
  readonly address: Address
  readonly hello: Omit<Hello, "protocol">
  readonly security: () => Security
  readonly environment: Environment
  /** Messages were lost: once, until a connection is there again, or until what waited has left. */
  readonly unreachable: () => void
  /** Why it cannot connect: once, until it can, or until there is another reason. */
  readonly problem: (problem: TransportError) => void
}

export class PeerLink {
  readonly address: Address
  private readonly options: PeerLinkOptions
  private readonly waitingBytesMax: number
  private connection: Connection | null = null
  /** Ends the attempt to connect that is under way, or the wait for the next. */
  private cancel: () => void = () => undefined
  private isWaiting = false
  private retries = 0
  private isLossTold = false
  private problemTold: string | null = null

  constructor(options: PeerLinkOptions) {
    this.options = options
    this.address = options.address
    this.waitingBytesMax = waitingBytesMax[options.hello.lane]
    this.connect()
  }

  get waitingBytes(): number {
    return this.connection?.waitingBytes ?? 0
  }

  send(message: Message): void {
    const { connection } = this
    if (connection === null || connection.waitingBytes >= this.waitingBytesMax) return this.lose()
    connection.write(messageCodec, message)
  }

  /** The peer shows signs of life: there is no need to wait any longer. */
  wake(): void {
    if (!this.isWaiting) return
    this.cancel()
    this.connect()
  }

  /** Ends the connection and opens another one, as whoever it is by then. */
  reconnect(): void {
    this.close()
    this.connect()
  }

  close(): void {
    this.cancel()
    const { connection } = this
    this.connection = null
    if (connection === null) return
    connection.closed = () => undefined
    connection.close(null)
  }

  private connect(): void {
    this.isWaiting = false
    const { address, environment, hello, security } = this.options
    this.cancel = dial(address, hello, security(), environment, {
      ready: (connection) => this.connected(connection),
      failed: (failure) => {
        this.complain(failure)
        this.connectLater()
      }
    })
  }

  private connected(connection: Connection): void {
    this.cancel = () => undefined
    this.retries = 0
    this.isLossTold = false
    this.problemTold = null
    this.connection = connection
    // The peer says nothing but that it lives.
    connection.heard = () => undefined
    connection.drained = () => {
      this.isLossTold = false
    }
    connection.closed = (failure) => {
      this.connection = null
      if (failure !== null) this.complain(failure)
      this.lose()
      this.connectLater()
    }
  }

  private connectLater(): void {
    const { environment } = this.options
    const delayMillis = backoffMillis(Limits.transport.reconnect, this.retries++, environment.random())
    this.isWaiting = true
    this.cancel = environment.after(delayMillis, () => this.connect())
  }

  private lose(): void {
    if (this.isLossTold) return
    this.isLossTold = true
    this.options.unreachable()
  }

  private complain(problem: TransportError): void {
    if (problem.message === this.problemTold) return
    this.problemTold = problem.message
    this.options.problem(problem)
  }
}
