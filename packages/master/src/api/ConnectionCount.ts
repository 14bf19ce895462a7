/**
 * How many connections one address has open: a single client, however fast it opens them, leaves room for the others. What is
 * beyond is closed before anything is read from it.
 */
import type { Socket } from "node:net"
import { addressKey } from "../network/AddressKey.ts"
import { type AddressSet, isLoopback } from "../network/AddressSet.ts"

export interface ConnectionCountOptions {
  readonly perAddressMax: number
  /** Many people are behind one of these. */
  readonly isProxy: AddressSet
  readonly onRefused: () => void
}

/** A listener of `connection` events. */
export const connectionCount = ({ isProxy, onRefused, perAddressMax }: ConnectionCountOptions) => {
  // As many as there are connections, which the server bounds.
  const open = new Map<string, number>()
  return (socket: Socket): void => {
    const address = socket.remoteAddress
    // Gone already.
    if (address === undefined) return void socket.destroy()
    if (isLoopback(address) || isProxy(address)) return
    const key = addressKey(address)
    const before = open.get(key) ?? 0
    if (before >= perAddressMax) {
      onRefused()
      return void socket.destroy()
    }
    open.set(key, before + 1)
    socket.once("close", () => {
      const left = (open.get(key) ?? 1) - 1
      if (left === 0) open.delete(key)
      else open.set(key, left)
    })
  }
}
