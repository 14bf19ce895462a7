/** Judges one reload from outside, the same for NxMesh and for a bare HUP: by what clients get and by what /proc shows. */
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { request as httpRequest } from "node:http"
import { request as httpsRequest } from "node:https"
import { promisify } from "node:util"
import { replaced, workers } from "../test/support/NginxWorkers.ts"
import { until } from "../test/support/Wait.ts"

export interface Site {
  readonly port: number
  readonly host: string
  readonly tls: boolean
}

export const now = Effect.sync(() => performance.now())

const answer = ({ host, port, tls }: Site): Effect.Effect<string, Error> =>
  Effect.callback((resume) => {
    const options = { host: "127.0.0.1", port, path: "/", agent: false as const, headers: { host }, timeout: 5_000 }
    const sent = tls ? httpsRequest({ ...options, servername: host, rejectUnauthorized: false }) : httpRequest(options)
    sent.on("response", (response) => {
      let text = ""
      response.setEncoding("utf8")
      response.on("data", (chunk: string) => (text += chunk))
      response.on("end", () => resume(Effect.succeed(text)))
    })
    sent.on("error", (error) => resume(Effect.fail(error)))
    sent.on("timeout", () => sent.destroy(new Error("timeout")))
    sent.end()
  })

/** When a fresh connection first got `text`. */
export const firstAnswer = (site: Site, text: string) =>
  until(answer(site), (seen) => seen === text, {
    fact: `${text} is served`,
    everyMillis: 2,
    timeoutMillis: 120_000
  }).pipe(Effect.andThen(now))

export const workersOf = (master: number): ReadonlySet<number> =>
  new Set(workers(master).flatMap(({ exiting, pid }) => (exiting ? [] : [pid])))

/** When no worker of `before` took connections any more. */
export const settled = (master: number, before: ReadonlySet<number>) =>
  replaced(master, before, 120_000).pipe(Effect.andThen(now))

/** The command line that nginx was started with, from its title. */
const commandLine = (master: number): ReadonlyArray<string> =>
  readFileSync(`/proc/${master}/cmdline`, "utf8")
    .replace(/^nginx: master process /, "")
    .replaceAll("\0", " ")
    .trim()
    .split(/\s+/)

/** The floor: `nginx -t`, HUP, settled, with nothing else around. Answers milliseconds. */
export const bareReload = (master: number) =>
  Effect.gen(function* () {
    const [binary, ...parameters] = commandLine(master)
    const before = workersOf(master)
    const startedAt = yield* now
    yield* Effect.promise(() => promisify(execFile)(binary!, [...parameters, "-t"]))
    const testedAt = yield* now
    process.kill(master, "SIGHUP")
    const settledAt = yield* settled(master, before)
    return { testMillis: testedAt - startedAt, totalMillis: settledAt - startedAt }
  })
