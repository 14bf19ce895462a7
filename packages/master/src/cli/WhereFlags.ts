/** Which data directory is meant, of commands that work while no master runs there. */
import { Flag } from "effect/cli"

export const where = {
  config: Flag.String("config").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("The settings file of nxmesh-master; NXMESH_… variables go before it"),
    Flag.optional
  ),
  dataDir: Flag.String("data-dir").pipe(
    Flag.withMetavar("DIR"),
    Flag.withDescription("The data directory, instead of the one that the settings name"),
    Flag.optional
  )
}
