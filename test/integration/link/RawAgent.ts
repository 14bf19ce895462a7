/** An agent made by hand, frame by frame, so that it can misbehave. */
import { generateKeyPairSync, randomBytes, randomUUID, sign } from "node:crypto"
import { connect, type TLSSocket } from "node:tls"
import { callHeaders, signCall } from "@nxmesh/core/crypto/CallSignature"
import { channelBinding } from "@nxmesh/core/crypto/ChannelBinding"
import { enrolmentProofText } from "@nxmesh/protocol/link/SignedCall"
import { Effect, Redacted } from "effect"
import { WebSocket } from "ws"

export interface Credentials {
  readonly agentId: string
  readonly keyId: string
  readonly key: Uint8Array
}

/** What a test may change of a call that is otherwise right. */
export interface Tampering {
  readonly path?: string
  readonly body?: string
  readonly timestampMillis?: number
  readonly nonce?: string
  readonly binding?: Uint8Array
  readonly headers?: ReadonlyArray<readonly [string, string]>
  readonly without?: keyof typeof callHeaders
}

export interface Answer {
  readonly _tag: string
  readonly exit?: {
    readonly _tag: string
    readonly value?: Readonly<Record<string, unknown>>
    readonly cause?: ReadonlyArray<{ error?: { reason?: string } }>
  }
}

const handshake = (port: number): Promise<TLSSocket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false, minVersion: "TLSv1.3" })
    socket.once("secureConnect", () => resolve(socket))
    socket.once("error", reject)
  })

export const keyPair = () => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519")
  return { privateKey, spki: publicKey.export({ format: "der", type: "spki" }).toString("base64") }
}

export const facts = {
  hostname: "web-1",
  version: "0.1.0",
  deployment_mode: "standalone",
  nginx: null,
  capabilities: []
} as const

export const registration = {
  protocol: { oldest: 1, newest: 1 },
  facts,
  connection_epoch: 1,
  highest_order: null,
  serving: null
}

export class RawAgent {
  readonly binding: Uint8Array
  readonly closed: Promise<number>
  readonly #webSocket: WebSocket
  readonly #answers = new Map<number, (answer: Answer) => void>()
  #nextId = 0

  constructor(webSocket: WebSocket, binding: Uint8Array) {
    this.#webSocket = webSocket
    this.binding = binding
    this.closed = new Promise((resolve) => webSocket.once("close", resolve))
    webSocket.on("error", () => undefined)
    webSocket.on("message", (data: Buffer) => {
      const message = JSON.parse(data.toString("utf8")) as Answer & { requestId: number }
      if (message._tag === "Exit" || message._tag === "Chunk") this.#answers.get(message.requestId)?.(message)
    })
  }

  /** Sends a frame as it is. */
  send(text: string): void {
    this.#webSocket.send(text)
  }

  terminate(): void {
    this.#webSocket.terminate()
  }

  /** Sends a request and waits for its first answer. */
  request(
    tag: string,
    body: string,
    headers: ReadonlyArray<readonly [string, string]>,
    extra: object = {}
  ): Promise<Answer> {
    const id = this.#nextId++
    const answer = new Promise<Answer>((resolve) => this.#answers.set(id, resolve))
    this.send(JSON.stringify({ _tag: "Request", id, tag, payload: body, headers, ...extra }))
    return answer
  }

  headersFor(tag: string, body: string, { agentId, key, keyId }: Credentials, tampering: Tampering) {
    const signed = signCall(
      {
        agentId,
        keyId,
        method: "POST",
        path: tampering.path ?? `/agents/${tag}`,
        body: tampering.body ?? body,
        timestampMillis: tampering.timestampMillis ?? Date.now(),
        nonce: tampering.nonce ?? randomBytes(16).toString("base64url"),
        binding: tampering.binding ?? this.binding
      },
      Redacted.make(key)
    )
    const without = tampering.without === undefined ? null : callHeaders[tampering.without]
    return [...Object.entries(signed).filter(([name]) => name !== without), ...(tampering.headers ?? [])]
  }

  call(tag: string, payload: unknown, credentials: Credentials, tampering: Tampering = {}): Promise<Answer> {
    const body = JSON.stringify(payload)
    return this.request(tag, body, this.headersFor(tag, body, credentials, tampering))
  }

  enrol(token: string, pair: ReturnType<typeof keyPair>, changes: { readonly proof?: string } = {}): Promise<Answer> {
    const text = enrolmentProofText(token, Buffer.from(this.binding).toString("base64"))
    const proof = changes.proof ?? sign(null, Buffer.from(text), pair.privateKey).toString("base64")
    return this.request("Enrol", JSON.stringify({ token, public_key: pair.spki, proof, facts }), [])
  }
}

/** A WebSocket of its own; ended with the scope. */
export const rawAgent = (port: number, headers: Record<string, string> = {}) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const socket = await handshake(port)
      const webSocket = new WebSocket(`wss://127.0.0.1:${port}/agents`, { createConnection: () => socket, headers })
      await new Promise<void>((resolve, reject) => {
        webSocket.once("open", resolve)
        webSocket.once("error", reject)
      })
      return new RawAgent(webSocket, channelBinding(socket))
    }),
    (agent) => Effect.sync(() => agent.terminate())
  )

/** The reason of a refusal, `ok` for a success, else what came. */
export const verdict = ({ exit }: Answer): string =>
  exit?._tag === "Success" ? "ok" : (exit?.cause?.[0]?.error?.reason ?? JSON.stringify(exit))

export const credentialsOf = ({ exit }: Answer): Credentials => {
  const { agent_id, key_id, session_key } = exit?.value ?? {}
  return { agentId: String(agent_id), keyId: String(key_id), key: Buffer.from(String(session_key), "base64") }
}

export const unknownId = (): string => randomUUID()
