/**
 * Messages to an agent, long ones in fragments (RFC 6455 section 5.4), each written when the one before has left. A TLS socket of
 * Node keeps a buffer as large as its largest single write for as long as it lives: a bundle sent whole would be paid for by
 * every agent's connection until it ends.
 */
import { WebSocket } from "@effect/platform-node/NodeWS"
import { Limits } from "../Limits.ts"

export class PiecewiseWriter {
  private readonly webSocket: WebSocket
  private readonly pieceBytes: number
  /** Behind a message that is on its way in pieces: another must not come between them. */
  private waiting: Array<string> = []
  private isSending = false

  constructor(webSocket: WebSocket, pieceBytes: number = Limits.link.pieceBytes) {
    this.webSocket = webSocket
    this.pieceBytes = pieceBytes
  }

  /** Never waits. What is sent after the connection broke is lost, as any message is that was on its way. */
  readonly send = (text: string): void => {
    if (this.isSending) this.waiting.push(text)
    else this.begin(text)
  }

  private begin(text: string): void {
    if (this.webSocket.readyState !== WebSocket.OPEN) return
    // A character takes three bytes of UTF-8 at most; of most messages that says enough.
    if (3 * text.length <= this.pieceBytes || Buffer.byteLength(text) <= this.pieceBytes) {
      this.webSocket.send(text)
      return
    }
    this.isSending = true
    this.piece(Buffer.from(text), 0)
  }

  private piece(bytes: Buffer, from: number): void {
    const to = Math.min(bytes.length, from + this.pieceBytes)
    const fin = to === bytes.length
    this.webSocket.send(bytes.subarray(from, to), { binary: false, fin }, (error) => {
      // The socket's own end tells the connection; what waits here has nowhere to go.
      if (error) this.waiting = []
      else if (fin) this.next()
      else this.piece(bytes, to)
    })
  }

  private next(): void {
    this.isSending = false
    while (!this.isSending) {
      const text = this.waiting.shift()
      if (text === undefined) return
      this.begin(text)
    }
  }
}
