/** The client of flush-and-echo.ts: answers come in the order of the requests. */
import { connect } from "node:net"
import type { Socket } from "node:net"
import type { Endpoint } from "../cluster/Endpoint.ts"
import type { Done, Store } from "../load/Store.ts"

export const requestBytes = 256
export const answerBytes = 16

export class FloorStore implements Store {
  private readonly socket: Socket
  private readonly waiting: Array<Done> = []
  private answered = 0
  private received = 0
  private outgoing: Array<Uint8Array> = []

  constructor({ host, port }: Endpoint) {
    this.socket = connect({ host, port, noDelay: true })
    this.socket.on("data", (piece) => this.receive(piece.length))
  }

  put(_key: string, value: Uint8Array, done: Done): void {
    this.waiting.push(done)
    if (this.outgoing.length === 0) {
      setImmediate(() => {
        this.socket.write(Buffer.concat(this.outgoing))
        this.outgoing = []
      })
    }
    this.outgoing.push(value.subarray(0, requestBytes))
  }

  get(key: string, done: Done): void {
    this.put(key, new Uint8Array(requestBytes), done)
  }

  close(): void {
    this.socket.destroy()
  }

  private receive(bytes: number): void {
    this.received += bytes
    for (; this.received >= answerBytes; this.received -= answerBytes) {
      this.waiting[this.answered++]!(null)
    }
    this.waiting.splice(0, this.answered)
    this.answered = 0
  }
}
