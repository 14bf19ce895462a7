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

/** What all connections together have taken. Once it is full it stays so until half of it is answered. */
export class ClientCalls {
  isFull = false
  private calls = 0
  private bytes = 0
  /** Those that wait until there is room. */
  private readonly held = new Set<ClientConnection>()

  take(bytes: number): void {
    this.calls++
    this.bytes += bytes
    if (this.calls >= callsMax || this.bytes >= callsBytesMax) this.isFull = true
  }

  release(bytes: number): void {
    this.calls--
    this.bytes -= bytes
    if (!this.isFull || this.calls > callsMax / 2 || this.bytes > callsBytesMax / 2) return
    this.isFull = false
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
  private isHeld = false

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

  /** Reads on, or stops: when it has enough, until half of that is done. */
  regulate(): void {
    const share = this.isHeld ? 0.5 : 1
    const hasEnough =
      this.calls >= connectionCallsMax * share ||
      this.bytes >= connectionCallsBytesMax * share ||
      this.connection.waitingBytes >= answersWaitingBytesMax * share
    this.isHeld = hasEnough || this.all.isFull
    this.connection.hold(this.isHeld)
    if (!hasEnough && this.all.isFull) this.all.wait(this)
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
