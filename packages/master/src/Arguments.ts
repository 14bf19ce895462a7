/** The command line of `nxmesh-master`. */
import { parseArgs } from "node:util"
import { Result } from "effect"
import { settingsHelp } from "./Settings.ts"

export type Arguments =
  | { readonly _tag: "Serve"; readonly config: string | null }
  /** The next start takes this master's own place in its cluster anew. */
  | { readonly _tag: "Rejoin"; readonly config: string | null }
  | { readonly _tag: "Help" }
  | { readonly _tag: "Version" }

export const help = `nxmesh-master: the control plane of a fleet of nginx

Usage: nxmesh-master [--config FILE] [--rejoin] [--version] [--help]

--rejoin: for a stopped master whose log or state is damaged. Sets both aside at the next start, and takes this master's own
place in its cluster as another one, with the state of the others. Ends at once; start the master as usual then.

Settings are environment variables, or keys of the YAML file (http_address for NXMESH_HTTP_ADDRESS); the environment wins.

${settingsHelp}
`

/** What is asked, or what is wrong with how it was asked. */
export const readArguments = (words: ReadonlyArray<string>): Result.Result<Arguments, string> => {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        config: { type: "string" },
        help: { type: "boolean" },
        rejoin: { type: "boolean" },
        version: { type: "boolean" }
      },
      strict: true
    })
    if (values.help === true) return Result.succeed({ _tag: "Help" })
    if (values.version === true) return Result.succeed({ _tag: "Version" })
    return Result.succeed({ _tag: values.rejoin === true ? "Rejoin" : "Serve", config: values.config ?? null })
  } catch (error) {
    return Result.fail(`${error instanceof Error ? error.message : String(error)}. Try --help`)
  }
}
