/** Which master is asked: `--url`, else `NXMESH_URL`, else the one on this machine. */
import { Config, Effect } from "effect"
import { Flag, GlobalFlag } from "effect/cli"
import { readOrigin } from "./MasterClient.ts"

export const Url = GlobalFlag.Setting("url")({
  flag: Flag.String("url").pipe(
    Flag.withMetavar("URL"),
    Flag.withDescription("A master's API; any of the cluster will do [NXMESH_URL, or http://127.0.0.1:8080]"),
    Flag.withFallbackConfig(Config.String("NXMESH_URL")),
    Flag.withDefault("http://127.0.0.1:8080")
  )
})

export const masterOrigin = Effect.flatMap(Url, (text) => Effect.fromResult(readOrigin(text)))
