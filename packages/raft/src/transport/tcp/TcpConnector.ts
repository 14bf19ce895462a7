import { Limits } from "../../Limits.ts"
import type { Connector } from "../Caller.ts"
import { answerCodec, callCodec, decode } from "../MessageFormat.ts"
import type { Connection } from "./Connection.ts"
import { dial } from "./Dial.ts"
import { type Environment, systemEnvironment } from "../Environment.ts"
import { secureContext, type TlsIdentity } from "./Tls.ts"
import { TransportError } from "./TransportError.ts"

export interface TcpConnectorOptions {
  readonly cluster: string
  /** What the client calls itself; its certificate has to say the same. */
  readonly name: string
  readonly tls: TlsIdentity | null
  readonly allowPlaintext: boolean
  readonly environment?: Environment
}

/** How clients connect to nodes over TCP. Throws TransportError for certificates that cannot be used. */
export const tcpConnector = (options: TcpConnectorOptions): Connector => {
  const { allowPlaintext, cluster, name, tls } = options
  const environment = options.environment ?? systemEnvironment
  const security = { context: tls === null ? null : secureContext(tls), allowPlaintext }
  const hello = { cluster, from: name, to: null, role: "client", lane: "control" } as const
  return (address, listener) => {
    let connection: Connection | null = null
    const giveUp = dial(address, hello, security, environment, {
      ready: (opened, node) => {
        connection = opened
        opened.allowFrames(Limits.transport.callBytesMax)
        opened.heard = (frame) => {
          const { answer, number } = decode(answerCodec, frame)
          listener.answered(number, answer)
        }
        opened.closed = (failure) => listener.closed(failure ?? ended(node))
        listener.ready(node)
      },
      failed: (failure) => listener.closed(failure)
    })
    return {
      call: (number, call) => connection?.write(callCodec, { number, call }),
      close: () => {
        if (connection === null) return giveUp()
        connection.closed = () => undefined
        connection.close(null)
      }
    }
  }
}

const ended = (node: string): TransportError =>
  new TransportError({ reason: "Network", message: `node ${node} ended the connection` })
