/** `nxmesh`: the operator's command line. Exit codes: 0 done, 1 refused, 2 wrong usage, 3 no master answers. */
import { Cause, Effect } from "effect"
import { CliConfig, Command, GlobalFlag } from "effect/cli"
import { agent } from "./AgentCommands.ts"
import { audit } from "./AuditCommands.ts"
import { backup, restore } from "./BackupCommands.ts"
import { version } from "./CliVersion.ts"
import { CliFailure, exitCode } from "./CliFailure.ts"
import { cluster } from "./ClusterCommands.ts"
import { keys } from "./KeysCommands.ts"
import { logs } from "./LogsCommand.ts"
import { login, logout } from "./LoginCommand.ts"
import { Url } from "./MasterUrl.ts"
import { Json, note } from "./Output.ts"
import { printable } from "./Table.ts"

const nxmesh = Command.make("nxmesh").pipe(
  Command.withDescription("Operates a cluster of NxMesh masters through its API"),
  Command.withSubcommands([login, logout, agent, cluster, audit, keys, logs, backup, restore]),
  Command.withGlobalFlags([Url, Json])
)

const run = Command.runWith(nxmesh, { version })

const layerFlags = CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions] })

const explain = ({ details = [], message }: CliFailure) =>
  note([`nxmesh: ${message}`, ...details.map((detail) => `  ${detail}`)].map(printable).join("\n"))

const usageCode = 2

/** Runs the command line and answers the exit code. What went wrong is on the standard error. */
export const program = (words: ReadonlyArray<string>) =>
  run(words).pipe(
    Effect.as(0),
    Effect.catch((error) => {
      // Of a command line that does not parse the library has shown what is wrong, and how it should be.
      return error instanceof CliFailure ? Effect.as(explain(error), exitCode(error)) : Effect.succeed(usageCode)
    }),
    Effect.catchCause((cause) =>
      Cause.hasInterruptsOnly(cause)
        ? Effect.succeed(1)
        : Effect.as(note(`nxmesh: a defect, please report it: ${Cause.pretty(cause)}`), 1)
    ),
    Effect.provide(layerFlags)
  )
