/** Asks the proof socket who serves. The tree holds a server there that answers with its deployment id and its worker's pid. */
import { Effect } from "effect"
import { createConnection } from "node:net"
import { join } from "node:path"
import { Limits } from "../Limits.ts"

export interface ProofAnswer {
  readonly deploymentId: string
  readonly workerPid: number
}

export interface NginxStatus {
  readonly activeConnections: number
  readonly accepted: number
  readonly handled: number
  readonly requests: number
  readonly reading: number
  readonly writing: number
  readonly waiting: number
}

export const socketPath = (runtimeDirectory: string): string => join(runtimeDirectory, "proof.sock")

/** Finds the id and the pid in the body of an answer. */
export const parseAnswer = (body: string): ProofAnswer | null => {
  const match = /([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"?,?\D+?(\d+)/.exec(body)
  return match?.[1] === undefined ? null : { deploymentId: match[1], workerPid: Number(match[2]) }
}

/** Reads `stub_status` (nginx, ngx_http_stub_status_module). */
export const parseStatus = (body: string): NginxStatus | null => {
  const numbers = (body.match(/\d+/g) ?? []).map(Number)
  const [activeConnections, accepted, handled, requests, reading, writing, waiting] = numbers
  return waiting === undefined || numbers.length !== 7
    ? null
    : ({ activeConnections, accepted, handled, requests, reading, writing, waiting } as NginxStatus)
}

/** One request on a connection of its own: the body, or `null` when there was no answer. HTTP/1.0, so that nginx closes. */
const request = (path: string, target: string): Effect.Effect<string | null> =>
  Effect.callback<string | null>((resume) => {
    const socket = createConnection({ path })
    let text = ""
    const finish = (answer: string | null) => {
      socket.destroy()
      resume(Effect.succeed(answer))
    }
    socket.setEncoding("utf8")
    socket.once("connect", () => socket.write(`GET ${target} HTTP/1.0\r\nHost: nxmesh\r\n\r\n`))
    socket.on("data", (chunk: string) => {
      text += chunk
      if (text.length > Limits.proofAnswerBytesMax) finish(null)
    })
    socket.once("end", () => finish(text.startsWith("HTTP/1.1 200") ? (text.split("\r\n\r\n")[1] ?? null) : null))
    socket.once("error", () => finish(null))
    return Effect.sync(() => socket.destroy())
  }).pipe(Effect.timeoutOrElse({ duration: Limits.proofAnswerTimeout, orElse: () => Effect.succeed(null) }))

/** Which deployment a worker serves; `null` when nobody answers. */
export const ask = (runtimeDirectory: string): Effect.Effect<ProofAnswer | null> =>
  Effect.map(request(socketPath(runtimeDirectory), "/"), (body) => (body === null ? null : parseAnswer(body)))

export const status = (runtimeDirectory: string): Effect.Effect<NginxStatus | null> =>
  Effect.map(request(socketPath(runtimeDirectory), "/status"), (body) => (body === null ? null : parseStatus(body)))
