/**
 * Nodes and clients of one process: the same contract as TCP, without sockets. Messages go through their bytes, so that
 * nobody shares what another one might change. What is sent arrives in a later turn, in order, unless a link is cut.
 */
import type { Message } from "../core/Message.ts"
import type { NodeId } from "../core/Types.ts"
import type { Connector } from "./Caller.ts"
import { answerCodec, callCodec, decode, encode, messageCodec } from "./MessageFormat.ts"
import type { Address, Transport, TransportListener } from "./Transport.ts"

export class MemoryNetwork {
  private readonly nodes = new Map<string, MemoryTransport>()
  private readonly cut = new Set<string>()

  /** A node that listens at this address. */
  open(id: NodeId, listen: Address, listener: TransportListener): MemoryTransport {
    const key = keyOf(listen)
    if (this.nodes.has(key)) throw new Error(`another node listens on ${key}`)
    const transport = new MemoryTransport(this, id, listen, listener)
    this.nodes.set(key, transport)
    return transport
  }

  at(address: Address): MemoryTransport | undefined {
    return this.nodes.get(keyOf(address))
  }

  remove(address: Address): void {
    this.nodes.delete(keyOf(address))
  }

  /** Nothing goes from one to the other, until `heal`. */
  sever(from: NodeId, to: NodeId): void {
    this.cut.add(`${from} ${to}`)
  }

  heal(): void {
    this.cut.clear()
  }

  passes(from: NodeId, to: NodeId): boolean {
    return !this.cut.has(`${from} ${to}`)
  }

  /** How clients connect to its nodes. */
  readonly connector: Connector = (address, listener) => {
    let isOpen = true
    const later = (action: () => void): void => queueMicrotask(() => isOpen && action())
    const close = (): void => {
      isOpen = false
    }
    const fail = (): void => {
      close()
      listener.closed(new Error(`nobody listens on ${keyOf(address)}`))
    }
    const node = this.at(address)
    later(() => (node === undefined ? fail() : listener.ready(node.id)))
    return {
      call: (number, call) => {
        const bytes = encode(callCodec, { number, call })
        later(() => {
          if (node === undefined || this.at(address) !== node) return fail()
          node.listener.called(decode(callCodec, bytes).call, (answer) => {
            const answered = encode(answerCodec, { number, answer })
            later(() => listener.answered(number, decode(answerCodec, answered).answer))
          })
        })
      },
      close
    }
  }
}

export class MemoryTransport implements Transport {
  readonly id: NodeId
  readonly address: Address
  readonly listener: TransportListener
  private readonly network: MemoryNetwork
  private peers: ReadonlyMap<NodeId, Address> = new Map()
  private readonly lossTold = new Set<NodeId>()
  private isClosed = false

  constructor(network: MemoryNetwork, id: NodeId, address: Address, listener: TransportListener) {
    this.network = network
    this.id = id
    this.address = address
    this.listener = listener
  }

  send(message: Message): void {
    const address = this.peers.get(message.to)
    const peer = address && this.network.at(address)
    if (peer?.id !== message.to || !this.network.passes(this.id, message.to)) return this.lose(message.to)
    this.lossTold.delete(message.to)
    const bytes = encode(messageCodec, message)
    queueMicrotask(() => peer.receive(bytes))
  }

  setPeers(peers: ReadonlyMap<NodeId, Address>): void {
    this.peers = new Map(peers)
    this.lossTold.clear()
  }

  close(): Promise<void> {
    this.isClosed = true
    this.network.remove(this.address)
    return Promise.resolve()
  }

  private receive(bytes: Uint8Array): void {
    if (!this.isClosed) this.listener.received(decode(messageCodec, bytes))
  }

  private lose(peer: NodeId): void {
    if (this.lossTold.has(peer)) return
    this.lossTold.add(peer)
    queueMicrotask(() => !this.isClosed && this.listener.unreachable(peer))
  }
}

const keyOf = ({ host, port }: Address): string => `${host}:${port}`
