/** What a client of nginx sees, each time on a connection of its own. */
import { Effect } from "effect"
import { request } from "node:http"

export interface Seen {
  readonly status: number
  readonly text: string
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
}

/** GETs a path of a host from the nginx that listens on `port`. Fails when nothing answers. */
export const visit = (port: number, host: string, path = "/"): Effect.Effect<Seen, Error> =>
  Effect.callback((resume) => {
    const sent = request(
      { host: "127.0.0.1", port, path, agent: false, headers: { host, connection: "close" }, timeout: 5_000 },
      (response) => {
        let text = ""
        response.setEncoding("utf8")
        response.on("data", (chunk: string) => (text += chunk))
        response.on("end", () =>
          resume(Effect.succeed({ status: response.statusCode ?? 0, text, headers: response.headers }))
        )
      }
    )
    sent.on("timeout", () => sent.destroy(new Error("timeout")))
    sent.on("error", (error) => resume(Effect.fail(error)))
    sent.end()
  })
