/**
 * An agent as a master sees one, with as little else as can be: TLS, enrolment, registration, signed calls, directives, outcomes, and
 * the order in which an agent tries masters. Thousands in one process leave the processors to the masters that are measured.
 */
import { generateKeyPairSync, randomBytes, sign } from "node:crypto"
import { connect } from "node:tls"
import { signCall } from "@nxmesh/core/crypto/CallSignature"
import { channelBinding } from "@nxmesh/core/crypto/ChannelBinding"
import type { Generation } from "@nxmesh/protocol/Ids"
import type { Directive } from "@nxmesh/protocol/link/Directive"
import { spokenVersions } from "@nxmesh/protocol/link/LinkVersion"
import { preferredOrder } from "@nxmesh/protocol/link/MasterPreference"
import type { Enrolled, Registered } from "@nxmesh/protocol/link/Registration"
import { callMethod, callPath, enrolmentProofText, linkPath } from "@nxmesh/protocol/link/SignedCall"
import { Redacted } from "effect"
import { WebSocket } from "ws"
import { plainOutcome } from "../../test/support/Resources.ts"
import { facts, health } from "./AgentFacts.ts"

export interface LeanOptions {
  /** `host:port` of the masters that it is told at first. */
  readonly masters: ReadonlyArray<string>
  readonly token: string
  readonly settleMillis: number
}

interface Frame {
  readonly _tag: string
  readonly requestId: number
  readonly values?: ReadonlyArray<Directive>
  readonly exit?: { readonly _tag: string; readonly value?: unknown }
}

/** As the agent's own: after a lost connection the next master is tried within a second, and after a round in vain a second later. */
const failoverSpreadMillis = 1_000
const pingMillis = 10_000

export class LeanAgent {
  deployedAt = 0
  readyAt = 0
  generation: Generation | null = null
  /** `host:port` of the master that it is connected to. */
  master: string | null = null

  private readonly options: LeanOptions
  private readonly keys = generateKeyPairSync("ed25519")
  private identity: typeof Enrolled.Type | null = null
  private key = Redacted.make<Uint8Array>(new Uint8Array())
  private masters: ReadonlyArray<string>
  private attempt = 0
  private epoch = 0
  private order: Extract<Directive, { _tag: "Deploy" }>["order"] | null = null
  private webSocket: WebSocket | null = null
  private isEnded = false

  constructor(options: LeanOptions) {
    this.options = options
    this.masters = options.masters
    this.open()
  }

  end(): void {
    this.isEnded = true
    this.webSocket?.terminate()
  }

  /** The one to try now: the preferred one first, and round again. */
  private next(): string {
    const ranked = this.identity === null ? this.masters : preferredOrder(this.identity.agent_id, this.masters)
    return ranked[this.attempt % ranked.length]!
  }

  private open(): void {
    const address = this.next()
    const [host, port] = address.split(":")
    const socket = connect({ host: host!, port: Number(port), rejectUnauthorized: false, minVersion: "TLSv1.3" })
    let ping: NodeJS.Timeout | undefined
    let isOver = false
    const over = () => {
      if (isOver) return
      isOver = true
      clearInterval(ping)
      this.lost()
    }
    socket.once("error", over)
    socket.once("secureConnect", () => {
      const webSocket = new WebSocket(`wss://${address}${linkPath}`, {
        createConnection: () => socket,
        perMessageDeflate: false
      })
      this.webSocket = webSocket
      const connection = new LeanConnection(webSocket, channelBinding(socket))
      ping = setInterval(() => webSocket.readyState === WebSocket.OPEN && webSocket.ping(), pingMillis)
      webSocket.on("error", () => webSocket.terminate())
      webSocket.once("close", over)
      webSocket.once("open", () => this.begin(connection, address))
    })
  }

  private lost(): void {
    // The one that was lost is passed over at first; what fails then is passed over too.
    if (this.master === null) this.attempt += 1
    else this.attempt = this.next() === this.master ? 1 : 0
    this.master = null
    this.webSocket = null
    if (!this.isEnded) setTimeout(() => this.open(), failoverSpreadMillis * Math.random())
  }

  private call(connection: LeanConnection, tag: string, payload: unknown, answered: (frame: Frame) => void): void {
    const body = JSON.stringify(payload)
    const { agent_id: agentId, key_id: keyId } = this.identity!
    const signed = signCall(
      {
        agentId,
        keyId,
        method: callMethod,
        path: callPath(tag),
        body,
        timestampMillis: Date.now(),
        nonce: randomBytes(16).toString("base64url"),
        binding: connection.binding
      },
      this.key
    )
    connection.request(tag, body, Object.entries(signed), answered)
  }

  private begin(connection: LeanConnection, address: string): void {
    if (this.identity !== null) return this.register(connection, address)
    const { masters: _, token } = this.options
    const text = enrolmentProofText(token, Buffer.from(connection.binding).toString("base64"))
    const body = JSON.stringify({
      token,
      public_key: this.keys.publicKey.export({ format: "der", type: "spki" }).toString("base64"),
      proof: sign(null, Buffer.from(text), this.keys.privateKey).toString("base64"),
      facts
    })
    connection.request("Enrol", body, [], ({ exit }) => {
      if (exit?._tag !== "Success") return connection.webSocket.terminate()
      this.identity = exit.value as typeof Enrolled.Type
      this.key = Redacted.make(Buffer.from(this.identity.session_key, "base64"))
      this.masters = this.identity.masters
      this.attempt = 0
      if (this.next() === address) return this.register(connection, address)
      this.attempt = -1 // what follows counts it up to the preferred one
      connection.webSocket.close(1_000)
    })
  }

  private register(connection: LeanConnection, address: string): void {
    this.epoch += 1
    const registration = {
      protocol: spokenVersions,
      facts,
      connection_epoch: this.epoch,
      highest_order: this.order,
      serving: this.generation
    }
    this.call(connection, "Register", registration, ({ exit }) => {
      if (exit?._tag !== "Success") return connection.webSocket.terminate()
      this.masters = (exit.value as typeof Registered.Type).masters
      this.master = address
      this.attempt = 0
      this.call(connection, "Directives", { have: this.generation }, (frame) => {
        if (frame._tag !== "Chunk") return connection.webSocket.terminate()
        connection.webSocket.send(JSON.stringify({ _tag: "Ack", requestId: frame.requestId }))
        for (const directive of frame.values ?? []) this.follow(connection, directive)
      })
      this.call(connection, "ReportHealth", { ...health, config_checksum: this.generation }, () => {
        this.readyAt = performance.now()
      })
    })
  }

  private follow(connection: LeanConnection, directive: Directive): void {
    if (directive._tag === "Masters") this.masters = directive.masters
    if (directive._tag === "Goodbye") connection.webSocket.close(1_000)
    if (directive._tag !== "Deploy") return
    const { deployment_id: id, order, update } = directive
    this.deployedAt = performance.now()
    this.order = order
    const generation = update._tag === "Full" ? update.bundle.generation : update.generation
    this.generation = generation
    setTimeout(() => {
      const outcome = { ...plainOutcome, id, generation, serving_generation: generation }
      if (connection.webSocket.readyState !== WebSocket.OPEN) return
      this.call(connection, "ReportDeployments", { outcomes: [outcome] }, () => undefined)
    }, this.options.settleMillis)
  }
}

/** Calls of one connection, by their numbers. */
class LeanConnection {
  readonly webSocket: WebSocket
  /** RFC 9266. */
  readonly binding: Uint8Array
  private readonly answered = new Map<number, (frame: Frame) => void>()
  private lastId = 0

  constructor(webSocket: WebSocket, binding: Uint8Array) {
    this.webSocket = webSocket
    this.binding = binding
    webSocket.on("message", (data: Buffer) => {
      const frame = JSON.parse(data.toString()) as Frame
      const waiting = this.answered.get(frame.requestId)
      if (frame._tag === "Exit") this.answered.delete(frame.requestId)
      waiting?.(frame)
    })
  }

  request(
    tag: string,
    payload: string,
    headers: ReadonlyArray<readonly [string, string]>,
    answered: (frame: Frame) => void
  ): void {
    this.lastId += 1
    this.answered.set(this.lastId, answered)
    this.webSocket.send(JSON.stringify({ _tag: "Request", id: this.lastId, tag, payload, headers }))
  }
}
