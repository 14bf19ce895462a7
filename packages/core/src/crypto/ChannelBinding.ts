import type { TLSSocket } from "node:tls"

const label = "EXPORTER-Channel-Binding"
const bindingBytes = 32

/**
 * The `tls-exporter` channel binding of RFC 9266: 32 bytes that both ends of one TLS 1.3 connection compute, and nobody
 * else can. Only after the handshake.
 */
export const channelBinding = (socket: TLSSocket): Uint8Array =>
  new Uint8Array(socket.exportKeyingMaterial(bindingBytes, label, Buffer.alloc(0)))
