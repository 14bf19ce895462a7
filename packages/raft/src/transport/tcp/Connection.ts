/**
 * One open connection, on either side: frames in, frames out, and the certainty that the other side is still there.
 *
 * Each side says something every second, if only an empty frame, and ends a connection on which it heard nothing for
 * some seconds: TCP alone takes a quarter of an hour to notice a peer that vanished, and after a partition waits long
 * before it tries again.
 */
import type { Socket } from "node:net"
import { Limits } from "../../Limits.ts"
import type { BinaryCodec } from "../binary/BinaryCodec.ts"
import { ByteWriter } from "../binary/ByteWriter.ts"
import { FrameReader } from "../Framing.ts"
import { MalformedMessage } from "../MalformedMessage.ts"
import type { Environment } from "../Environment.ts"
import { networkError, TransportError } from "./TransportError.ts"

const { aliveMillis, helloBytesMax, silencesMax } = Limits.transport

export class Connection {
  /** Gets every frame that says something. It may throw MalformedMessage, which ends the connection. */
  heard: (frame: Uint8Array) => void = () => undefined
  /** Everything that was written has left. */
  drained: () => void = () => undefined
  /** Called once; `null`: the other side ended it, or `close` was called without a reason. */
  closed: (failure: TransportError | null) => void = () => undefined

  readonly socket: Socket
  private readonly environment: Environment
  private readonly writer = new ByteWriter()
  private readonly reader = new FrameReader(helloBytesMax)
  private isFlushing = false
  private isHeld = false
  /** Frames of the last piece that came while it is held. */
  private readonly parked: Array<Uint8Array> = []
  private isUnparking = false
  private isClosed = false
  private hasSaid = false
  private silences = 0
  private cancelBeat: () => void

  /** `socket` is connected, or about to be. */
  constructor(socket: Socket, environment: Environment) {
    this.socket = socket
    this.environment = environment
    socket.setNoDelay(true)
    socket.on("data", (piece: Uint8Array) => this.receive(piece))
    socket.on("drain", () => this.drained())
    socket.on("error", (cause) => this.close(networkError("the connection failed", cause)))
    socket.on("close", () => this.close(null))
    this.cancelBeat = environment.after(aliveMillis, () => this.beat())
  }

  /** After the hello a frame may be longer. */
  allowFrames(bytesMax: number): void {
    this.reader.bytesMax = bytesMax
  }

  /** What was written and has not left, in bytes. */
  get waitingBytes(): number {
    return this.writer.bytes + this.socket.writableLength
  }

  /** Whatever is written in one turn of the event loop leaves in one write. */
  write<A>(codec: BinaryCodec<A>, value: A): void {
    if (this.isClosed) return
    this.writer.frame(() => codec.write(value, this.writer))
    this.flushSoon()
  }

  writeFrame(frame: Uint8Array): void {
    if (this.isClosed) return
    this.writer.data(frame)
    this.flushSoon()
  }

  /** While it is held nothing is heard or read: the sender waits, by TCP. */
  hold(isHeld: boolean): void {
    if (isHeld === this.isHeld || this.isClosed) return
    this.isHeld = isHeld
    this.silences = 0
    if (isHeld) this.socket.pause()
    else this.unpark()
  }

  close(failure: TransportError | null): void {
    if (this.isClosed) return
    this.isClosed = true
    this.cancelBeat()
    this.socket.destroy()
    this.closed(failure)
  }

  /** Closes when what was written has left. */
  closeAfterWriting(failure: TransportError | null): void {
    if (this.isClosed) return
    this.flush()
    this.isClosed = true
    this.cancelBeat()
    // Whoever does not read it is not waited for.
    this.environment.after(aliveMillis, () => this.socket.destroy())
    this.socket.destroySoon()
    this.closed(failure)
  }

  private receive(piece: Uint8Array): void {
    this.silences = 0
    this.orEnd(() =>
      this.reader.push(piece, (frame) => {
        if (frame.length === 0 || this.isClosed) return
        if (this.isHeld) this.parked.push(frame)
        else this.heard(frame)
      })
    )
  }

  private unpark(): void {
    // What is heard may hold and let go again: one loop does it all.
    if (this.isUnparking) return
    this.isUnparking = true
    this.orEnd(() => {
      while (!this.isHeld && !this.isClosed && this.parked.length > 0) this.heard(this.parked.shift() as Uint8Array)
    })
    this.isUnparking = false
    if (!this.isHeld && !this.isClosed) this.socket.resume()
  }

  private orEnd(hear: () => void): void {
    try {
      hear()
    } catch (cause) {
      if (!(cause instanceof MalformedMessage)) throw cause
      this.close(new TransportError({ reason: "Malformed", message: cause.message, cause }))
    }
  }

  private beat(): void {
    // Counted, not measured: when this process slept, what came meanwhile is read before the next count.
    if (!this.isHeld && ++this.silences > silencesMax) {
      const message = `nothing was heard for ${(silencesMax * aliveMillis) / 1_000} s; check the other side and the network`
      return this.close(new TransportError({ reason: "Silent", message }))
    }
    if (!this.hasSaid && !this.socket.connecting) {
      this.writer.uint32(0)
      this.flush()
    }
    this.hasSaid = false
    this.cancelBeat = this.environment.after(aliveMillis, () => this.beat())
  }

  private flushSoon(): void {
    if (this.isFlushing) return
    this.isFlushing = true
    queueMicrotask(() => this.flush())
  }

  private flush(): void {
    this.isFlushing = false
    if (this.isClosed) return
    this.hasSaid = true
    const pieces = this.writer.take()
    if (pieces.length > 1) this.socket.cork()
    for (const piece of pieces) this.socket.write(piece)
    if (pieces.length > 1) this.socket.uncork()
  }
}
