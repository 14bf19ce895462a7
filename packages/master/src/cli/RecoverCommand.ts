/** `nxmesh cluster recover`: goes on with one master, after a majority was lost for good. */
import { Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { usage } from "./CliFailure.ts"
import { offline } from "./Offline.ts"
import { note, print } from "./Output.ts"
import { printable } from "./Table.ts"
import { where } from "./WhereFlags.ts"

interface Inspected {
  readonly data_dir: string
  readonly cluster_id: string
  readonly node_id: string
  readonly log: {
    readonly last_index: number
    readonly last_term: number
    readonly known_committed_index: number
  } | null
  readonly under_way: string | null
}

const inspectedText = ({ cluster_id, data_dir, log, node_id, under_way }: Inspected): string =>
  [
    ["master", `${node_id}, in ${data_dir}`],
    ["cluster", cluster_id],
    ["log", log === null ? "put aside" : `ends with index ${log.last_index} of term ${log.last_term}`],
    ...(log === null ? [] : [["committed", `up to ${log.known_committed_index}, as far as this master knew`]]),
    ...(under_way === null ? [] : [["under way", `\`${under_way}\` was cut short here: run it again`]])
  ]
    .map(([name = "", value = ""]) => printable(`${name.padEnd(12)} ${value}`))
    .join("\n")

const needsYes =
  "recovering makes another cluster of this master alone, and what only lost masters had is gone. Compare the logs of all " +
  "masters that are left (--inspect): go on with the greatest term, then the greatest index, and add --yes there"

export const recover = Command.make(
  "recover",
  {
    ...where,
    inspect: Flag.Boolean("inspect").pipe(
      Flag.withoutNegation,
      Flag.withDescription("Only print how far this master's log goes"),
      Flag.withDefault(false)
    ),
    yes: Flag.Boolean("yes").pipe(
      Flag.withoutNegation,
      Flag.withDescription("A majority is lost for good, and this master's log is the longest"),
      Flag.withDefault(false)
    )
  },
  Effect.fnUntraced(function* ({ config, dataDir, inspect, yes }) {
    const at = { config: Option.getOrNull(config), dataDirectory: Option.getOrNull(dataDir) }
    const found = yield* offline((tools) => tools.inspect(at))
    if (inspect) return yield* print(found, inspectedText)
    yield* note(inspectedText(found))
    if (!yes) return yield* usage(needsYes)
    const done = yield* offline((tools) => tools.recover(at))
    yield* print(done, ({ cluster_id, epoch, index }) =>
      [
        `recovered: cluster ${cluster_id}, epoch ${epoch}, index ${index}, deployments frozen`,
        "start nxmesh-master, look at previews, then: nxmesh cluster unfreeze. Other masters join with new tokens"
      ].join("\n")
    )
  })
).pipe(
  Command.withDescription("After a majority was lost for good: go on with this master's data, which no master uses")
)
