/**
 * Nodes and clients over TCP, with mutual TLS.
 *
 * Each node opens two connections to each peer and sends on those; it receives on the ones that peers opened. So nobody
 * has to agree on who connects to whom, and a connection that is broken in one direction breaks nothing else.
 */
import type { Message } from "../../core/Message.ts"
import type { NodeId } from "../../core/Types.ts"
import type { Address, Transport, TransportListener } from "../Transport.ts"
import { Acceptor } from "./Acceptor.ts"
import type { Security } from "./Dial.ts"
import { type Environment, systemEnvironment } from "../Environment.ts"
import type { Lane } from "./Hello.ts"
import { laneOf, PeerLink } from "./PeerLink.ts"
import { Reports } from "./Reports.ts"
import { isLoopback, plaintextProblem, secureContext, type TlsIdentity } from "./Tls.ts"
import { TransportError } from "./TransportError.ts"

export interface TcpTransportOptions {
  readonly id: NodeId
  /** Nodes and clients of another cluster are refused. */
  readonly cluster: string
  /** Port 0: any free one. */
  readonly listen: Address
  readonly tls: TlsIdentity | null
  /** Without TLS also beyond loopback: for networks where everybody is trusted. */
  readonly allowPlaintext: boolean
  readonly environment?: Environment
  /** For the operator. Nothing has to be done about it by the program. Repetitions are left out. */
  readonly problem: (problem: TransportError) => void
}

type Links = Readonly<Record<Lane, PeerLink>>

export class TcpTransport implements Transport {
  private readonly options: TcpTransportOptions
  private readonly listener: TransportListener
  private readonly environment: Environment
  private readonly reports: Reports
  private readonly links = new Map<NodeId, Links>()
  /** Of whom it is told that no address is known. */
  private readonly unknown = new Set<NodeId>()
  private security: Security
  private acceptor: Acceptor | null = null
  private isClosed = false

  private constructor(options: TcpTransportOptions, listener: TransportListener) {
    this.options = options
    this.listener = listener
    this.environment = options.environment ?? systemEnvironment
    this.reports = new Reports(this.environment, options.problem)
    this.security = securityOf(options.tls, options.allowPlaintext)
  }

  /** Listens when it resolves. Rejects with TransportError. */
  static async open(options: TcpTransportOptions, listener: TransportListener): Promise<TcpTransport> {
    const { allowPlaintext, cluster, id, listen, tls } = options
    if (tls === null && !allowPlaintext && !isLoopback(listen.host)) throw plaintextProblem(listen.host)
    const transport = new TcpTransport(options, listener)
    const acceptor = {
      self: { id, cluster },
      tls,
      environment: transport.environment,
      received: listener.received,
      called: listener.called,
      appeared: (peer: NodeId) => transport.wake(peer),
      problem: (problem: TransportError) => transport.reports.tell(problem)
    }
    transport.acceptor = await Acceptor.open(acceptor, listen)
    return transport
  }

  /** Where it listens. */
  get address(): Address {
    return { host: this.options.listen.host, port: this.acceptor?.port ?? 0 }
  }

  send(message: Message): void {
    if (this.isClosed) return
    const links = this.links.get(message.to)
    if (links !== undefined) return links[laneOf(message)].send(message)
    if (this.unknown.has(message.to)) return
    this.unknown.add(message.to)
    this.lost(message.to)
  }

  /** What was sent to a peer and has not left, for tests and metrics. */
  waitingBytes(peer: NodeId): number {
    const links = this.links.get(peer)
    return links === undefined ? 0 : links.control.waitingBytes + links.bulk.waitingBytes
  }

  setPeers(peers: ReadonlyMap<NodeId, Address>): void {
    if (this.isClosed) return
    this.unknown.clear()
    for (const [peer, links] of this.links) {
      const address = peers.get(peer)
      if (address?.host === links.bulk.address.host && address.port === links.bulk.address.port) continue
      closeLinks(links)
      this.links.delete(peer)
    }
    for (const [peer, address] of peers) {
      if (peer === this.options.id || this.links.has(peer)) continue
      this.links.set(peer, { control: this.link(peer, address, "control"), bulk: this.link(peer, address, "bulk") })
    }
  }

  /** Another certificate or other authorities, from now on: every connection is opened again. Throws TransportError. */
  setTls(tls: TlsIdentity): void {
    if (this.security.context === null) throw withoutTls
    this.security = securityOf(tls, this.options.allowPlaintext)
    this.acceptor?.setTls(tls)
    for (const links of this.links.values()) for (const link of [links.control, links.bulk]) link.reconnect()
  }

  async close(): Promise<void> {
    this.isClosed = true
    for (const links of this.links.values()) closeLinks(links)
    this.links.clear()
    this.reports.close()
    await this.acceptor?.close()
  }

  private link(peer: NodeId, address: Address, lane: Lane): PeerLink {
    const { cluster, id } = this.options
    return new PeerLink({
      address,
      hello: { cluster, from: id, to: peer, role: "peer", lane },
      security: () => this.security,
      environment: this.environment,
      unreachable: () => this.lost(peer),
      problem: this.options.problem
    })
  }

  /** Told later: whoever sends is not called back before `send` returns. */
  private lost(peer: NodeId): void {
    queueMicrotask(() => this.listener.unreachable(peer))
  }

  private wake(peer: NodeId): void {
    const links = this.links.get(peer)
    links?.control.wake()
    links?.bulk.wake()
  }
}

const securityOf = (tls: TlsIdentity | null, allowPlaintext: boolean): Security => ({
  context: tls === null ? null : secureContext(tls),
  allowPlaintext
})

const withoutTls = new TransportError({
  reason: "Plaintext",
  message: "this node speaks without TLS; give it a certificate when it starts"
})

const closeLinks = ({ bulk, control }: Links): void => {
  control.close()
  bulk.close()
}
