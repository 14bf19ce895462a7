/** `nxmesh keys …`: how the cluster's keys stand, and their rotation. */
import type { KeysStatus } from "@nxmesh/protocol/model/Keys"
import { Effect } from "effect"
import { Command } from "effect/cli"
import { asOperator, type MasterClient } from "./MasterClient.ts"
import { masterOrigin } from "./MasterUrl.ts"
import { print } from "./Output.ts"
import { printable, table } from "./Table.ts"

const rotationText = ({ encryption: { rotation } }: KeysStatus): string => {
  if (rotation === null) return "it never rotated"
  const { begun_at, ended_at, remaining, rewrapped, to_key_id } = rotation
  return ended_at === null
    ? `rotates to ${to_key_id} since ${begun_at}: ${rewrapped} secrets are wrapped anew, ${remaining} are left`
    : `rotated to ${to_key_id} at ${ended_at}: ${rewrapped} secrets`
}

const keysText = (status: KeysStatus): string => {
  const { agents, encryption, signing } = status
  return [
    printable(`encryption   ${encryption.key_id}, ${rotationText(status)}`),
    table(
      ["MASTER", "KEYS"],
      encryption.masters.map(({ key_ids, name }) => [name, key_ids === null ? "does not answer" : key_ids.join(" ")])
    ),
    "",
    table(
      ["SIGNING KEY", "STATE", "SIGNS FROM"],
      signing.map(({ key_id, signs_from, state }) => [key_id, state, signs_from])
    ),
    "",
    printable(`agents       ${agents.keys} session keys, ${agents.due} are to be replaced`)
  ].join("\n")
}

const call = (use: (master: MasterClient) => Effect.Effect<{ readonly data: KeysStatus }, unknown>) =>
  Effect.gen(function* () {
    const { data } = yield* asOperator(yield* masterOrigin, use)
    yield* print(data, keysText)
  })

const status = Command.make("status", {}, () => call(({ keys }) => keys.status())).pipe(
  Command.withDescription("Show which keys the cluster goes by, and how their rotation stands")
)

const rotate = Command.make("rotate").pipe(
  Command.withDescription("Replace a key while everything runs"),
  Command.withSubcommands([
    Command.make("encryption", {}, () => call(({ keys }) => keys.rotateEncryption())).pipe(
      Command.withDescription("That of the secrets, by the one in <key file>.next of every master")
    ),
    Command.make("signing", {}, () => call(({ keys }) => keys.rotateSigning())).pipe(
      Command.withDescription("That which signs access tokens")
    ),
    Command.make("agents", {}, () => call(({ keys }) => keys.rotateAgents())).pipe(
      Command.withDescription("The session keys of all agents, a few every second")
    )
  ])
)

export const keys = Command.make("keys").pipe(
  Command.withDescription("The cluster's keys, and their rotation"),
  Command.withSubcommands([status, rotate])
)
