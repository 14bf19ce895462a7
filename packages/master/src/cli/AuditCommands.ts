/** `nxmesh audit …`: what happened, and the proof that nobody changed what is told of it. */
import type { AuditEntry } from "@nxmesh/protocol/model/Audit"
import { Limits as ProtocolLimits } from "@nxmesh/protocol/Limits"
import { OrganizationId } from "@nxmesh/protocol/Ids"
import { Effect, FileSystem, Option, Schema, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { callFailure, refused, usage } from "./CliFailure.ts"
import { CliLimits } from "./CliLimits.ts"
import { asOperator, type MasterClient } from "./MasterClient.ts"
import { masterOrigin } from "./MasterUrl.ts"
import { offline } from "./Offline.ts"
import { print } from "./Output.ts"
import { table } from "./Table.ts"

const rowOf = (entry: AuditEntry): ReadonlyArray<string> => [
  String(entry.entry),
  entry.at,
  entry.principal,
  entry.command,
  entry.outcome,
  entry.kind === null ? "-" : `${entry.kind} ${entry.resource_id ?? ""}`,
  entry.remote_address ?? "-"
]

const listText = (entries: ReadonlyArray<AuditEntry>): string =>
  entries.length === 0
    ? "there is no such entry"
    : table(["ENTRY", "AT", "PRINCIPAL", "COMMAND", "OUTCOME", "RESOURCE", "FROM"], entries.map(rowOf))

const filter = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.optional)

const given = <A>(name: string, value: Option.Option<A>) => (Option.isSome(value) ? { [name]: value.value } : {})

const organizationOf = (text: Option.Option<string>) => {
  if (Option.isNone(text)) return Effect.succeed({})
  return Effect.fromResult(Schema.decodeUnknownResult(OrganizationId)(text.value)).pipe(
    Effect.map((organization_id) => ({ organization_id })),
    Effect.mapError(() => usage("--organization must be the id of an organization"))
  )
}

const list = Command.make(
  "list",
  {
    limit: Flag.Int("limit").pipe(Flag.withDescription("How many, at most 200"), Flag.withDefault(50)),
    principal: filter("principal", "Who: a user's id, service_account:<id>, agent:<id> or system:<part>"),
    command: filter("command", "What was asked, as in SaveVirtualHost"),
    kind: filter("kind", "Kind of resource, as in virtual_host"),
    resource: filter("resource", "Id of a resource"),
    outcome: filter("outcome", "accepted, refused, or a code as in FORBIDDEN"),
    address: filter("address", "From where"),
    from: filter("from", "At or after, as in 2026-03-02T14:30:00.000Z"),
    to: filter("to", "Before"),
    organization: filter("organization", "Id of an organization")
  },
  Effect.fnUntraced(function* (flags) {
    const wanted = Math.min(flags.limit, ProtocolLimits.perPageMax)
    const query = {
      ...given("principal", flags.principal),
      ...given("command", flags.command),
      ...given("kind", flags.kind),
      ...given("resource_id", flags.resource),
      ...given("outcome", flags.outcome),
      ...given("remote_address", flags.address),
      ...given("from", flags.from),
      ...given("to", flags.to),
      ...(yield* organizationOf(flags.organization))
    }
    const origin = yield* masterOrigin
    const entries = yield* asOperator(
      origin,
      Effect.fnUntraced(function* ({ audit }: MasterClient) {
        const found: Array<AuditEntry> = []
        let cursor: number | null = null
        // A search may answer short pages: it looks at so many rows at a time.
        do {
          const page: {
            readonly data: ReadonlyArray<AuditEntry>
            readonly links: { readonly next: string | null }
          } = yield* audit.list({
            query: { ...query, per_page: wanted - found.length, ...(cursor === null ? {} : { cursor }) }
          })
          found.push(...page.data)
          const next = page.links.next === null ? null : new URL(page.links.next, origin).searchParams.get("cursor")
          cursor = next === null ? null : Number(next)
        } while (cursor !== null && found.length < wanted)
        return found
      })
    )
    yield* print(entries, listText)
  })
).pipe(Command.withDescription("List what happened, the newest first"))

const writeAll = Effect.fnUntraced(function* (output: string, content: Stream.Stream<Uint8Array, unknown>) {
  const fs = yield* FileSystem.FileSystem
  const failed = (error: { readonly message: string }) => refused(`${output} cannot be written: ${error.message}`)
  yield* Effect.scoped(
    Effect.gen(function* () {
      const handle = yield* Effect.mapError(fs.open(output, { flag: "wx", mode: 0o600 }), failed)
      yield* Stream.runForEach(content, (bytes) => Effect.mapError(handle.writeAll(bytes), failed))
      yield* Effect.mapError(handle.sync, failed)
    })
  )
})

const verdictText = (verdict: {
  readonly rows: number
  readonly gaps: number
  readonly after: { readonly entry: number }
  readonly head: { readonly entry: number; readonly hash: string }
  readonly cluster_id: string
  readonly signed_at: string
  readonly key_id: string
  readonly trusted: boolean
}): string =>
  [
    `whole: ${verdict.rows} rows after entry ${verdict.after.entry} up to entry ${verdict.head.entry}, signed ${verdict.signed_at}`,
    `cluster ${verdict.cluster_id}, head ${verdict.head.hash}`,
    ...(verdict.gaps === 0 ? [] : [`${verdict.gaps} gaps, where rows stand that whoever exported may not see`]),
    verdict.trusted
      ? `signed with the cluster's key ${verdict.key_id}`
      : `signed with the key ${verdict.key_id}, by the export's own word: name the cluster's keys with --keys`
  ].join("\n")

const output = Flag.String("output").pipe(Flag.withMetavar("FILE"), Flag.withDescription("Where to write it"))

const exportCommand = Command.make(
  "export",
  {
    output,
    after: Flag.Int("after").pipe(Flag.withDescription("Entries after this one alone"), Flag.optional)
  },
  Effect.fnUntraced(function* ({ after, output }) {
    const origin = yield* masterOrigin
    const query = Option.isSome(after) ? { after: after.value } : {}
    yield* asOperator(origin, ({ audit }: MasterClient) => audit.export({ query }), CliLimits.backupBegins).pipe(
      Effect.flatMap((content) =>
        writeAll(output, content).pipe(Effect.mapError((error) => callFailure(origin, error)))
      )
    )
    const verdict = yield* offline(({ checkAudit }) => checkAudit({ file: output, keysFile: null, headFile: null }))
    yield* print({ file: output, ...verdict }, verdictText)
  })
).pipe(Command.withDescription("Export the audit to a file, and check it"))

const verify = Command.make(
  "verify",
  {
    file: Argument.String("file").pipe(
      Argument.withDescription("An export; without one, the live chain of the master is read"),
      Argument.optional
    ),
    keys: filter("keys", "File of GET /api/v1/audit/keys, kept from before"),
    head: filter("head", "File of GET /api/v1/audit/head, kept from before")
  },
  Effect.fnUntraced(function* ({ file, head, keys }) {
    if (Option.isSome(file)) {
      const files = { file: file.value, keysFile: Option.getOrNull(keys), headFile: Option.getOrNull(head) }
      return yield* print(yield* offline(({ checkAudit }) => checkAudit(files)), verdictText)
    }
    const { data } = yield* asOperator(
      yield* masterOrigin,
      ({ audit }: MasterClient) => audit.verify(),
      CliLimits.backupBegins
    )
    yield* print(data, ({ anchor, problem, rows }) => problem ?? `whole: ${rows} rows after entry ${anchor.entry}`)
    if (!data.whole) return yield* refused(`the audit is not whole: ${data.problem ?? ""}`)
  })
).pipe(Command.withDescription("Check an export offline, or the live chain"))

const cut = Command.make(
  "cut",
  {
    exported: Flag.String("export").pipe(Flag.withMetavar("FILE"), Flag.withDescription("The export that keeps them")),
    through: Flag.Int("through").pipe(
      Flag.withDescription("The last entry to forget [all of the export]"),
      Flag.optional
    )
  },
  Effect.fnUntraced(function* ({ exported, through }) {
    const { head } = yield* offline(({ checkAudit }) => checkAudit({ file: exported, keysFile: null, headFile: null }))
    const payload = { through: Option.getOrElse(through, () => head.entry), exported: head }
    const { data } = yield* asOperator(yield* masterOrigin, ({ audit }: MasterClient) => audit.cut({ payload }))
    yield* print(data, ({ anchor, rows }) => `${rows} rows are forgotten, the audit begins after entry ${anchor.entry}`)
  })
).pipe(Command.withDescription("Forget the oldest entries, which an export keeps"))

/** As the API answers it: what is kept from it is read again by `verify`. */
const kept = (name: "head" | "keys", description: string) =>
  Command.make(
    name,
    {},
    Effect.fnUntraced(function* () {
      const answer = yield* asOperator(
        yield* masterOrigin,
        ({ audit }: MasterClient): Effect.Effect<unknown, unknown> => audit[name]()
      )
      yield* print(answer, (value) => JSON.stringify(value, null, 2))
    })
  ).pipe(Command.withDescription(description))

export const audit = Command.make("audit").pipe(
  Command.withDescription("What happened, and the proof of it"),
  Command.withSubcommands([
    list,
    exportCommand,
    verify,
    cut,
    kept("head", "Print the signed head, to keep it elsewhere"),
    kept("keys", "Print the keys that heads are signed with, to keep them elsewhere")
  ])
)
