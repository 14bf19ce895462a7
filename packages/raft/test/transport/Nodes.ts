import type { Address } from "@nxmesh/raft/transport/Transport"
import { TcpTransport, type TcpTransportOptions } from "@nxmesh/raft/transport/tcp/TcpTransport"
import type { TransportError } from "@nxmesh/raft/transport/tcp/TransportError"
import { ManualEnvironment } from "./ManualEnvironment.ts"
import { connectRaw, helloOf, type RawSocket } from "./RawSocket.ts"
import { Recorder, until } from "./Recorder.ts"

export interface TestNode {
  readonly id: string
  readonly recorder: Recorder
  readonly transport: TcpTransport
  readonly problems: Array<TransportError>
  /** What the operator was told, as one text. */
  readonly told: () => string
}

/** Nodes of one test, on loopback. */
export class Nodes {
  private readonly opened: Array<{ readonly close: () => Promise<void> }> = []

  async open(id: string, options: Partial<TcpTransportOptions> = {}): Promise<TestNode> {
    const recorder = new Recorder()
    const problems: Array<TransportError> = []
    const transport = await TcpTransport.open(
      {
        id,
        cluster: "c1",
        listen: { host: "127.0.0.1", port: 0 },
        tls: null,
        allowPlaintext: false,
        problem: (problem) => problems.push(problem),
        ...options
      },
      recorder
    )
    this.opened.push(transport)
    return { id, recorder, transport, problems, told: () => problems.map(({ message }) => message).join("\n") }
  }

  /** Its clock stands still unless the test moves it: a busy machine makes nobody late. */
  readonly still = (id: string, options: Partial<TcpTransportOptions> = {}): Promise<TestNode> =>
    this.open(id, { environment: new ManualEnvironment(), ...options })

  add<A extends { readonly close: () => Promise<void> }>(closeable: A): A {
    this.opened.push(closeable)
    return closeable
  }

  async close(): Promise<void> {
    for (const each of this.opened.splice(0)) await each.close()
  }
}

export const introduce = (node: TestNode, ...peers: ReadonlyArray<readonly [string, Address]>): void =>
  node.transport.setPeers(new Map(peers))

/** A connection to a node that has its answer to this hello. */
export const sayHello = async (node: TestNode, hello: Parameters<typeof helloOf>[0]): Promise<RawSocket> => {
  const raw = connectRaw(node.transport.address.port)
  raw.socket.write(helloOf(hello))
  await until(() => raw.frames.length > 0)
  return raw
}
