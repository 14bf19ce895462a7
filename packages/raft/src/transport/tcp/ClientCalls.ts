/**
 * Calls of clients: taken as they come, answered in any order. How many and how large the unanswered ones may be is
 * bounded for each connection and for all; past it nothing more is read until answers have left.
 */
import { Limits } from "../../Limits.ts"
import { answerCodec, callCodec, decode } from "../MessageFormat.ts"
import type { TransportListener } from "../Transport.ts"
import type { Connection } from "./Connection.ts"

const { callBytesMax, callsBytesMax, callsMax, answersWaitingBytesMax } = Limits.transport
const { connectionCallsBytesMax, connectionCallsMax } = Limits.transport

/** What all connections together have taken. */
export class ClientCalls {
  private calls = 0
  private bytes = 0
  /** Those that wait until there is room. */
  private readonly held = new Set<ClientConnection>()

  get isFull(): boolean {
    return this.calls >= callsMax || this.bytes >= callsBytesMax
  }

  take(bytes: number): void {
    this.calls++
    this.bytes += bytes
  }

  release(bytes: number): void {
    const wasFull = this.isFull
    this.calls--
    this.bytes -= bytes
    if (!wasFull || this.isFull) return
    const held = [...this.held]
    this.held.clear()
    for (const connection of held) connection.regulate()
  }

  wait(connection: ClientConnection): void {
    this.held.add(connection)
  }

  forget(connection: ClientConnection): void {
    this.held.delete(connection)
  }
}

export class ClientConnection {
  private readonly connection: Connection
  private readonly all: ClientCalls
  private readonly called: TransportListener["called"]
  private calls = 0
  private bytes = 0

  constructor(connection: Connection, all: ClientCalls, called: TransportListener["called"]) {
    this.connection = connection
    this.all = all
    this.called = called
    connection.allowFrames(callBytesMax)
    connection.heard = (frame) => this.take(frame)
    connection.drained = () => this.regulate()
  }

  close(): void {
    this.all.forget(this)
    this.connection.close(null)
  }

  /** Reads on, or stops. */
  regulate(): void {
    const isFull =
      this.calls >= connectionCallsMax ||
      this.bytes >= connectionCallsBytesMax ||
      this.connection.waitingBytes >= answersWaitingBytesMax
    this.connection.hold(isFull || this.all.isFull)
    if (!isFull && this.all.isFull) this.all.wait(this)
  }

  private take(frame: Uint8Array): void {
    const { call, number } = decode(callCodec, frame)
    const bytes = frame.length
    this.calls++
    this.bytes += bytes
    this.all.take(bytes)
    this.regulate()
    let isAnswered = false
    this.called(call, (answer) => {
      if (isAnswered) throw new Error(`a ${call._tag} is answered a second time`)
      isAnswered = true
      this.calls--
      this.bytes -= bytes
      this.all.release(bytes)
      this.connection.write(answerCodec, { number, answer })
      this.regulate()
    })
  }
}
