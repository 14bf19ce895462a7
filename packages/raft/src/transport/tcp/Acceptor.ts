/** The side that others connect to: one port for peers and clients. Who they are, the hello says, and with TLS the certificate. */
import { createServer, type Server, type Socket } from "node:net"
import { createServer as createTlsServer, type Server as TlsServer } from "node:tls"
import type { Message } from "../../core/Message.ts"
import type { NodeId } from "../../core/Types.ts"
import { Limits } from "../../Limits.ts"
import { MalformedMessage } from "../MalformedMessage.ts"
import { decode, messageCodec } from "../MessageFormat.ts"
import type { Address, TransportListener } from "../Transport.ts"
import { ClientCalls, ClientConnection } from "./ClientCalls.ts"
import { Connection } from "./Connection.ts"
import type { Environment } from "../Environment.ts"
import {
  commonProtocol,
  decodeHello,
  encodeHello,
  type Hello,
  helloProblem,
  isHelloReason,
  type Self
} from "./Hello.ts"
import { identityProblem, type TlsIdentity, tlsOptions } from "./Tls.ts"
import { networkError, TransportError } from "./TransportError.ts"

const { clientsMax, connectMillis, connectionsMax, frameBytesMax, strangersMax } = Limits.transport

export interface AcceptorOptions {
  readonly self: Self
  readonly tls: TlsIdentity | null
  readonly environment: Environment
  readonly received: TransportListener["received"]
  readonly called: TransportListener["called"]
  /** A peer opened a connection. */
  readonly appeared: (peer: NodeId) => void
  readonly problem: (problem: TransportError) => void
}

export class Acceptor {
  private readonly options: AcceptorOptions
  private readonly server: Server
  /** Everything that is open, with what is still in its TLS handshake. */
  private readonly sockets = new Set<Socket>()
  /** Connections without a hello, the oldest first. */
  private readonly strangers = new Set<Connection>()
  /** By name and lane: a peer that connects again has lost its last connection. */
  private readonly peers = new Map<string, Connection>()
  private readonly clients = new Set<ClientConnection>()
  private readonly calls = new ClientCalls()

  private constructor(options: AcceptorOptions) {
    this.options = options
    const accept = (socket: Socket): void => this.accept(socket)
    if (options.tls === null) this.server = createServer(accept)
    else {
      const server = createTlsServer(
        { ...tlsOptions(options.tls), requestCert: true, rejectUnauthorized: true, handshakeTimeout: connectMillis },
        accept
      )
      server.on("tlsClientError", (cause) => options.problem(networkError("a connection was refused by TLS", cause)))
      this.server = server
    }
    this.server.maxConnections = connectionsMax
    this.server.on("connection", (socket) => {
      this.sockets.add(socket)
      socket.once("close", () => this.sockets.delete(socket))
    })
  }

  /** Rejects with TransportError. */
  static async open(options: AcceptorOptions, listen: Address): Promise<Acceptor> {
    const acceptor = new Acceptor(options)
    const { server } = acceptor
    await new Promise<void>((resolve, reject) => {
      server.once("error", (cause) => reject(networkError(`cannot listen on ${listen.host}:${listen.port}`, cause)))
      server.listen(listen.port, listen.host, resolve)
    })
    server.on("error", (cause) => options.problem(networkError("connections cannot be accepted", cause)))
    return acceptor
  }

  get port(): number {
    const address = this.server.address()
    return typeof address === "object" && address !== null ? address.port : 0
  }

  /** For connections to come; those that are open end. */
  setTls(tls: TlsIdentity): void {
    ;(this.server as TlsServer).setSecureContext(tlsOptions(tls))
    this.endAll()
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()))
    this.endAll()
    await closed
  }

  private endAll(): void {
    for (const connection of [...this.strangers, ...this.peers.values()]) connection.close(null)
    for (const client of [...this.clients]) client.close()
    for (const socket of this.sockets) socket.destroy()
  }

  private accept(socket: Socket): void {
    const { environment } = this.options
    const connection = new Connection(socket, environment)
    const where = `a connection from ${socket.remoteAddress ?? "somewhere"}`
    const late = environment.after(connectMillis, () => {
      const message = `${where} did not say who it is within ${connectMillis / 1_000} s`
      connection.close(new TransportError({ reason: "Silent", message }))
    })
    this.strangers.add(connection)
    connection.closed = (failure) => {
      late()
      this.strangers.delete(connection)
      if (failure !== null) this.tell(where, failure)
    }
    connection.heard = (frame) => {
      const hello = decodeHello(frame)
      const problem = this.problemOf(hello, socket)
      if (problem !== null) return this.refuse(connection, problem)
      late()
      this.strangers.delete(connection)
      this.welcome(connection, hello)
    }
    this.makeRoom()
  }

  /** The oldest stranger goes first: whoever belongs here says so at once. */
  private makeRoom(): void {
    if (this.strangers.size <= strangersMax) return
    const [oldest] = this.strangers
    oldest?.close(new TransportError({ reason: "Silent", message: "too many connections have not said who they are" }))
  }

  private problemOf(hello: Hello, socket: Socket): TransportError | null {
    const problem = helloProblem(this.options.self, hello) ?? identityProblem(socket, hello.role, hello.from)
    if (problem !== null || hello.role === "peer" || this.clients.size < clientsMax) return problem
    const message = `there are ${clientsMax} clients already; let them share connections`
    return new TransportError({ reason: "TooManyClients", message })
  }

  private refuse(connection: Connection, problem: TransportError): void {
    if (isHelloReason(problem.reason)) {
      connection.writeFrame(encodeHello({ _tag: "Refused", reason: problem.reason, message: problem.message }))
    }
    connection.closeAfterWriting(problem)
  }

  private welcome(connection: Connection, hello: Hello): void {
    const { cluster, id } = this.options.self
    const protocol = commonProtocol(hello) ?? hello.protocol
    connection.writeFrame(encodeHello({ _tag: "Welcome", protocol, cluster, from: id }))
    if (hello.role === "peer") this.takePeer(connection, hello)
    else this.takeClient(connection, hello)
  }

  private takePeer(connection: Connection, hello: Hello): void {
    const key = `${hello.lane} ${hello.from}`
    this.peers.get(key)?.close(null)
    this.peers.set(key, connection)
    connection.allowFrames(frameBytesMax)
    connection.heard = (frame) => this.options.received(this.checked(decode(messageCodec, frame), hello.from))
    connection.closed = (failure) => {
      if (this.peers.get(key) === connection) this.peers.delete(key)
      if (failure !== null) this.tell(`the connection of peer ${hello.from}`, failure)
    }
    this.options.appeared(hello.from)
  }

  private checked(message: Message, from: NodeId): Message {
    if (message.from === from && message.to === this.options.self.id) return message
    throw new MalformedMessage({ cause: `${from} sent a message from ${message.from} to ${message.to}` })
  }

  private takeClient(connection: Connection, hello: Hello): void {
    const client = new ClientConnection(connection, this.calls, this.options.called)
    this.clients.add(client)
    connection.closed = (failure) => {
      this.calls.forget(client)
      this.clients.delete(client)
      if (failure !== null) this.tell(`the connection of client ${hello.from}`, failure)
    }
  }

  private tell(where: string, failure: TransportError): void {
    this.options.problem(
      new TransportError({ reason: failure.reason, message: `${where}: ${failure.message}`, cause: failure })
    )
  }
}
