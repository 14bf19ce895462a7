/** Opens a connection to a node and says hello. */
import { connect as connectTcp } from "node:net"
import { connect as connectTls, type SecureContext } from "node:tls"
import type { NodeId } from "../../core/Types.ts"
import { Limits } from "../../Limits.ts"
import type { Address } from "../Transport.ts"
import { Connection } from "./Connection.ts"
import type { Environment } from "../Environment.ts"
import { answerProblem, decodeHelloAnswer, encodeHello, type Hello, saidVersions } from "./Hello.ts"
import { identityProblem, isLoopback, plaintextProblem } from "./Tls.ts"
import { TransportError } from "./TransportError.ts"

/** What both sides of the transport need to open connections. */
export interface Security {
  readonly context: SecureContext | null
  readonly allowPlaintext: boolean
}

export interface DialEvents {
  /** The node `from` answered; `heard` and `closed` of the connection are the caller's from here on. */
  readonly ready: (connection: Connection, from: NodeId) => void
  /** Called at most once, and not after `ready`. */
  readonly failed: (failure: TransportError) => void
}

const openSocket = ({ host, port }: Address, { context }: Security) =>
  context === null
    ? connectTcp({ host, port })
    : connectTls({
        host,
        port,
        secureContext: context,
        minVersion: "TLSv1.3",
        // A node's name is in its certificate, whatever its address is: see identityProblem.
        checkServerIdentity: () => undefined
      })

/** Why nobody may be, or can be, spoken to there; `null`: nothing is wrong. */
const addressProblem = ({ host, port }: Address, { allowPlaintext, context }: Security): TransportError | null => {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    const message = `${host}:${port}: this port is not one of 1 to 65535; correct the address of this node`
    return new TransportError({ reason: "Network", message })
  }
  return context === null && !allowPlaintext && !isLoopback(host) ? plaintextProblem(host) : null
}

/** Returns what gives it up. */
export const dial = (
  address: Address,
  hello: Omit<Hello, "protocol" | "speaks">,
  security: Security,
  environment: Environment,
  events: DialEvents
): (() => void) => {
  const problem = addressProblem(address, security)
  if (problem !== null) return environment.after(0, () => events.failed(problem))
  const said: Hello = { ...saidVersions(), ...hello }
  const socket = openSocket(address, security)
  const connection = new Connection(socket, environment)
  const where = `${address.host}:${address.port}`
  const late = environment.after(Limits.transport.connectMillis, () => {
    const message = `${where} did not answer within ${Limits.transport.connectMillis / 1_000} s`
    connection.close(new TransportError({ reason: "Silent", message }))
  })
  connection.closed = (failure) => {
    late()
    const message = `${where}: ${failure?.message ?? "the other side ended the connection before it said who it is"}`
    events.failed(new TransportError({ reason: failure?.reason ?? "Network", message, cause: failure }))
  }
  connection.heard = (frame) => {
    const answer = decodeHelloAnswer(frame)
    const problem =
      answerProblem(said, answer) ?? (answer._tag === "Welcome" ? identityProblem(socket, "peer", answer.from) : null)
    if (problem !== null || answer._tag === "Refused") return connection.close(problem)
    late()
    events.ready(connection, answer.from)
  }
  socket.once(security.context === null ? "connect" : "secureConnect", () => connection.writeFrame(encodeHello(said)))
  return () => {
    late()
    connection.closed = () => undefined
    connection.close(null)
  }
}
