/** `nxmesh logs`: lines of access logs, the oldest first as in a file, or as they come. */
import { AccessLogTailQuery, LogInstant } from "@nxmesh/protocol/model/AccessLogQuery"
import { AccessLogRow } from "@nxmesh/protocol/model/AccessLogRow"
import { Limits as ProtocolLimits } from "@nxmesh/protocol/Limits"
import { Console, Effect, Option, Schema, SchemaIssue, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import { callFailure, refused, usage } from "./CliFailure.ts"
import { withAgent } from "./FindAgent.ts"
import { asOperator, type MasterClient } from "./MasterClient.ts"
import { masterOrigin } from "./MasterUrl.ts"
import { Json, note } from "./Output.ts"
import { printable } from "./Table.ts"

const text = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.optional)

const conditionFlags = {
  host: text("host", "Only of this host"),
  status: text("status", "Only this status or class, as in 404 or 5xx"),
  method: text("method", "Only this method"),
  path_prefix: text("path", "Only paths that begin so"),
  text: text("text", "Only lines whose path, query, user agent or referer holds this"),
  remote_address: text("remote-address", "Only of this address or network"),
  request_id: text("request-id", "Only this request")
}

const dash = (value: string | number | null): string => (value === null || value === "" ? "-" : String(value))

export const lineText = (row: AccessLogRow): string =>
  printable(
    row.text ??
      [
        row.timestamp,
        dash(row.remote_addr),
        dash(row.host),
        `"${row.method} ${row.uri} ${row.protocol}"`,
        row.status,
        row.body_bytes_sent,
        row.response_time_ms === null ? "-" : `${row.response_time_ms}ms`,
        `"${dash(row.user_agent)}"`
      ].join(" ")
  )

const printLine = Effect.fnUntraced(function* (row: AccessLogRow) {
  yield* Console.log((yield* Json) ? JSON.stringify(row) : lineText(row))
})

const formatter = SchemaIssue.makeFormatterStandardSchemaV1()

/** The flags that were given, as the API has them; what is wrong with them is said before anything is asked. */
const decoded = <A>(schema: Schema.Codec<A, unknown>, flags: Readonly<Record<string, Option.Option<string>>>) => {
  const given = Object.entries(flags).flatMap(([name, value]) => (Option.isSome(value) ? [[name, value.value]] : []))
  return Schema.decodeUnknownEffect(schema)(Object.fromEntries(given)).pipe(
    Effect.mapError(({ issue }) =>
      usage(
        formatter(issue)
          .issues.map(({ message, path = [] }) => `${path.map((key) => String(key)).join(".")}: ${message}`)
          .join("; ")
      )
    )
  )
}

const decodeRow = Schema.decodeUnknownOption(Schema.fromJsonString(AccessLogRow))

/** One event of the stream, by its name. */
const told = Effect.fnUntraced(function* (name: string, data: string) {
  if (name === "line") {
    const row = decodeRow(data)
    if (Option.isSome(row)) yield* printLine(row.value)
    return
  }
  // Said beside the lines: they may be read by a program.
  if (name !== "") yield* note(printable(`${name}: ${data}`))
})

const follow = <E>(content: Stream.Stream<Uint8Array, E>) => {
  let name = ""
  return content.pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.runForEach((line) => {
      if (line.startsWith("event: ")) name = line.slice("event: ".length)
      return line.startsWith("data: ") ? told(name, line.slice("data: ".length)) : Effect.void
    })
  )
}

const timeFlags = {
  from: text("from", "From this instant or day on; without it, of the last hour"),
  to: text("to", "Before this instant or day")
}

const PageFlags = Schema.Struct({
  ...AccessLogTailQuery.fields,
  from: Schema.optionalKey(LogInstant),
  to: Schema.optionalKey(LogInstant)
})

export const logs = Command.make(
  "logs",
  {
    ...conditionFlags,
    ...timeFlags,
    agent: text("agent", "Only of this agent, by its name or id"),
    limit: Flag.Int("limit").pipe(Flag.withDescription("At most so many lines"), Flag.withDefault(100)),
    follow: Flag.Boolean("follow").pipe(
      Flag.withAlias("f"),
      Flag.withoutNegation,
      Flag.withDescription("Lines as they come, until you end it"),
      Flag.withDefault(false)
    )
  },
  Effect.fnUntraced(function* ({ agent, follow: isFollowing, from, limit, to, ...conditions }) {
    if (limit < 1 || limit > ProtocolLimits.logLinesPerPageMax) {
      return yield* usage(`--limit must be from 1 to ${ProtocolLimits.logLinesPerPageMax}`)
    }
    const origin = yield* masterOrigin
    const asked = <A, E, R>(
      call: (master: MasterClient, of: { readonly agent_id?: AccessLogRow["agent_id"] }) => Effect.Effect<A, E, R>
    ) =>
      Option.isSome(agent)
        ? withAgent(agent.value, (master, { id }) => call(master, { agent_id: id }))
        : asOperator(origin, (master) => call(master, {}))
    if (isFollowing) {
      if (Option.isSome(from) || Option.isSome(to))
        return yield* usage("--follow begins now: leave out --from and --to")
      const query = yield* decoded(AccessLogTailQuery, conditions)
      const content = yield* asked(({ accessLogs }, of) => accessLogs.tail({ query: { ...query, ...of } }))
      yield* follow(content).pipe(Effect.mapError((error) => callFailure(origin, error)))
      return yield* refused("the master ended the tail: begin another one")
    }
    const query = yield* decoded(PageFlags, { ...conditions, from, to })
    const { data, meta } = yield* asked(({ accessLogs }, of) => accessLogs.list({ query: { ...query, ...of, limit } }))
    for (const { master, reason } of meta.missing)
      yield* note(printable(`lines of master ${master} are missing: ${reason}`))
    if (meta.next !== null)
      yield* note(`the newest ${data.length}: name a shorter time or another condition to see the others`)
    yield* Effect.forEach(data.toReversed(), printLine, { discard: true })
  })
).pipe(Command.withDescription("Show lines of access logs, or follow them"))
