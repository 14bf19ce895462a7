/** The operator's command line in this process, with what it printed, against a master that the test has. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, ConfigProvider, Effect } from "effect"
import { FetchHttpClient } from "effect/http"
import { program } from "../../src/cli/Program.ts"

export interface Printed {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface Place {
  readonly url: string
  readonly sessionFile: string
  /** Variables beyond these. */
  readonly environment?: Readonly<Record<string, string>>
}

/** Runs the words as `nxmesh` would, with this master's URL and this session file in the environment. */
export const nxmesh = Effect.fnUntraced(function* (place: Place, ...words: ReadonlyArray<string>) {
  const out: Array<string> = []
  const err: Array<string> = []
  const kept =
    (lines: Array<string>) =>
    (...parts: ReadonlyArray<unknown>) =>
      void lines.push(parts.join(" "))
  const current = yield* Console.Console
  const code = yield* program(words).pipe(
    Effect.provideService(
      Console.Console,
      Object.assign(Object.create(current) as typeof current, { log: kept(out), error: kept(err) })
    ),
    Effect.provide([
      NodeServices.layer,
      FetchHttpClient.layer,
      ConfigProvider.layer(
        ConfigProvider.fromEnvRecord({
          ...place.environment,
          NXMESH_URL: place.url,
          NXMESH_SESSION_FILE: place.sessionFile
        })
      )
    ])
  )
  const printed: Printed = { code, out: out.join("\n"), err: err.join("\n") }
  return printed
})
