/** `nxmesh backup …` and `nxmesh restore`: the whole state of a cluster as a file, and a cluster made from one. */
import type { BackupHeader } from "@nxmesh/protocol/model/Backup"
import { Effect, FileSystem, Option, Path, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { callFailure, CliFailure, refused, usage } from "./CliFailure.ts"
import { CliLimits } from "./CliLimits.ts"
import { asOperator, type MasterClient } from "./MasterClient.ts"
import { masterOrigin } from "./MasterUrl.ts"
import { offline } from "./Offline.ts"
import { print } from "./Output.ts"
import { printable } from "./Table.ts"
import { where } from "./WhereFlags.ts"

interface Described {
  readonly file: string
  readonly bytes: number
  readonly checksum: string
  readonly header: BackupHeader
}

const backupText = ({ bytes, checksum, file, header }: Described): string =>
  [
    ["backup", `${file}, ${bytes} bytes, whole`],
    ["sha-256", checksum],
    ["taken", `${header.created_at} by NxMesh ${header.nxmesh_version}`],
    ["cluster", `${header.cluster_id}, epoch ${header.epoch}, version ${header.cluster_version}`],
    ["index", `${header.index}, term ${header.term}`],
    ["key file", `${header.key_id}: without it nothing secret in the backup opens`]
  ]
    .map(([name = "", value = ""]) => printable(`${name.padEnd(12)} ${value}`))
    .join("\n")

const checked = (file: string) => offline(({ checkBackup }) => checkBackup(file))

const silent = new CliFailure({
  kind: "Unreachable",
  message: "the master stopped sending before the backup was whole: take it again, or from another one with --url"
})

const unlessSilent = <E>(content: Stream.Stream<Uint8Array, E>) =>
  Stream.timeoutOrElse(content, { duration: CliLimits.backupSilence, orElse: () => Stream.fail(silent) })

/** Beside the file, and under its name only when all of it is there, whole and on the disk. */
const download = Effect.fnUntraced(function* (output: string, content: Stream.Stream<Uint8Array, unknown>) {
  const fs = yield* FileSystem.FileSystem
  const part = `${output}.part`
  const failed = (task: string) => (error: { readonly message: string }) =>
    refused(`${part} cannot be ${task}: ${error.message}`)
  const writeAll = Effect.scoped(
    Effect.gen(function* () {
      const handle = yield* Effect.mapError(fs.open(part, { flag: "wx", mode: 0o600 }), failed("made"))
      yield* Stream.runForEach(content, (bytes) => Effect.mapError(handle.writeAll(bytes), failed("written")))
      yield* Effect.mapError(handle.sync, failed("flushed"))
    })
  )
  yield* Effect.mapError(fs.remove(part, { force: true }), failed("removed"))
  return yield* writeAll.pipe(
    Effect.andThen(checked(part)),
    Effect.tap(() => Effect.mapError(fs.rename(part, output), failed(`renamed to ${output}`))),
    Effect.onError(() => Effect.ignore(fs.remove(part, { force: true })))
  )
})

/** The new name is on the disk too: else a power cut may take it. */
const syncDirectoryOf = Effect.fnUntraced(function* (file: string) {
  const fs = yield* FileSystem.FileSystem
  const directory = (yield* Path.Path).dirname(file)
  yield* Effect.scoped(Effect.flatMap(fs.open(directory), ({ sync }) => sync)).pipe(
    Effect.mapError((error) => refused(`${directory} cannot be flushed: ${error.message}`))
  )
})

const show = Command.make(
  "show",
  { file: Argument.String("file").pipe(Argument.withDescription("A backup")) },
  Effect.fnUntraced(function* ({ file }) {
    const { bytes, checksum, header } = yield* checked(file)
    yield* print({ file, bytes, checksum, header }, backupText)
  })
).pipe(Command.withDescription("Check a backup whole, and show what it is"))

const take = Effect.fnUntraced(function* (output: string) {
  const fs = yield* FileSystem.FileSystem
  if (yield* Effect.orElseSucceed(fs.exists(output), () => false)) {
    return yield* refused(`${output} is there already: name another file`)
  }
  const origin = yield* masterOrigin
  const { bytes, checksum, header } = yield* asOperator(
    origin,
    ({ cluster }: MasterClient) => cluster.backup(),
    CliLimits.backupBegins
  ).pipe(
    Effect.flatMap((content) =>
      download(output, unlessSilent(content)).pipe(Effect.mapError((error) => callFailure(origin, error)))
    )
  )
  yield* syncDirectoryOf(output)
  yield* print({ file: output, bytes, checksum, header }, backupText)
})

export const backup = Command.make(
  "backup",
  {
    output: Flag.String("output").pipe(
      Flag.withMetavar("FILE"),
      Flag.withDescription("Where to write it; a file that is there is never replaced"),
      Flag.optional
    )
  },
  ({ output }) => (Option.isSome(output) ? take(output.value) : Effect.fail(usage("name the file with --output")))
).pipe(
  Command.withDescription("Take a backup of the whole state from a running master, and check it"),
  Command.withSubcommands([show])
)

export const restore = Command.make(
  "restore",
  {
    from: Flag.String("from").pipe(Flag.withMetavar("FILE"), Flag.withDescription("A backup")),
    ...where
  },
  Effect.fnUntraced(function* ({ config, dataDir, from }) {
    const done = yield* offline(({ restore }) =>
      restore({ config: Option.getOrNull(config), dataDirectory: Option.getOrNull(dataDir) }, from)
    )
    yield* print(done, ({ cluster_id, epoch, index }) =>
      [
        `restored: cluster ${cluster_id}, epoch ${epoch}, index ${index}, deployments frozen`,
        "start nxmesh-master, look at previews, then: nxmesh cluster unfreeze"
      ].join("\n")
    )
  })
).pipe(Command.withDescription("Make the data directory of a new cluster from a backup; no master runs there"))
