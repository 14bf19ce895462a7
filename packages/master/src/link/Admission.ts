/**
 * How many connections are on their way from the TCP handshake to the agent's registration at once. A fleet that lost a master
 * comes back within a second: without a bound every step of every agent waits for the same step of all others, nobody is
 * connected before nearly all are, and the event loop stands still meanwhile. With one, the first agents are soon through,
 * and the rest wait where waiting costs nothing.
 */
import type { Socket } from "node:net"

export interface AdmissionOptions {
  readonly admittedMax: number
  /** Connections that wait. What comes beyond is closed, and comes again. */
  readonly waitingMax: number
  readonly admit: (socket: Socket) => void
}

/** Names a connection, by its raw socket and by the TLS socket over it alike. */
export const connectionKey = ({ remoteAddress, remotePort }: Pick<Socket, "remoteAddress" | "remotePort">): string =>
  `${remoteAddress} ${remotePort}`

export class Admission {
  readonly #options: AdmissionOptions
  /** On their way, with the number of the sweep that they came before. */
  readonly #admitted = new Map<string, number>()
  /** First come, first served. One that closes leaves. */
  readonly #waiting = new Map<string, Socket>()
  #sweeps = 0

  constructor(options: AdmissionOptions) {
    this.#options = options
  }

  /** Takes a connection that nothing was read from. */
  offer(socket: Socket): void {
    if (this.#waiting.size >= this.#options.waitingMax) return void socket.destroy()
    const key = connectionKey(socket)
    this.#waiting.set(key, socket)
    socket.once("close", () => {
      this.#waiting.delete(key)
      this.settled(key)
    })
    socket.on("error", () => socket.destroy())
    this.#next()
  }

  /** The connection is through, or gone: another has its turn. */
  settled(key: string): void {
    if (this.#admitted.delete(key)) this.#next()
  }

  /** Called every so often: who was on its way at two sweeps holds up nobody any more, however slow it is. */
  sweep(): void {
    this.#sweeps++
    for (const [key, before] of this.#admitted) if (before < this.#sweeps) this.#admitted.delete(key)
    this.#next()
  }

  /** Ends those that wait. */
  stop(): void {
    for (const socket of [...this.#waiting.values()]) socket.destroy()
  }

  get waiting(): number {
    return this.#waiting.size
  }

  #next(): void {
    for (const [key, socket] of this.#waiting) {
      if (this.#admitted.size >= this.#options.admittedMax) return
      this.#waiting.delete(key)
      this.#admitted.set(key, this.#sweeps + 1)
      this.#options.admit(socket)
    }
  }
}
