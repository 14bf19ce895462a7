/**
 * What the disk, the network and two processors allow when nothing is replicated: every 256 bytes that arrive are written,
 * what arrived together is flushed together, and then answered.
 */
import { fdatasyncSync, openSync, writeSync } from "node:fs"
import { createServer } from "node:net"
import type { AddressInfo, Socket } from "node:net"
import { argv } from "node:process"
import { answerBytes, requestBytes } from "./FloorStore.ts"

const file = openSync(argv[2]!, "w")
writeSync(file, new Uint8Array(64 * 1_048_576))
fdatasyncSync(file)

let offset = 0
let gathered: Array<{ readonly socket: Socket; readonly piece: Uint8Array }> = []

const flush = (): void => {
  const arrived = gathered
  gathered = []
  for (const { piece } of arrived) {
    if (offset + piece.length > 64 * 1_048_576) offset = 0
    offset += writeSync(file, piece, 0, piece.length, offset)
  }
  fdatasyncSync(file)
  for (const { piece, socket } of arrived) socket.write(new Uint8Array(answered(socket, piece.length) * answerBytes))
}

/** Requests that are whole with this piece. */
const partial = new WeakMap<Socket, number>()
const answered = (socket: Socket, bytes: number): number => {
  const total = (partial.get(socket) ?? 0) + bytes
  partial.set(socket, total % requestBytes)
  return Math.floor(total / requestBytes)
}

const server = createServer({ noDelay: true }, (socket) => {
  socket.on("error", () => socket.destroy())
  socket.on("data", (piece) => {
    if (gathered.length === 0) setImmediate(flush)
    gathered.push({ socket, piece })
  })
})
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port))
process.once("disconnect", () => process.exit())
