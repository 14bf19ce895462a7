/**
 * Where the operator is logged in: one session for each master's origin, in a file that nobody else can read. A token is
 * sent only to the origin that gave it.
 */
import { Config, Effect, FileSystem, Option, Path, Schema } from "effect"
import { homedir } from "node:os"
import { CliFailure, refused } from "./CliFailure.ts"

export const StoredSession = Schema.Struct({
  email: Schema.String,
  access_token: Schema.RedactedFromValue(Schema.String),
  /** Milliseconds since 1970. */
  access_ends_at_millis: Schema.Finite,
  /** `null`: the session is for reading alone, for want of a quorum at its login. */
  refresh_token: Schema.NullOr(Schema.RedactedFromValue(Schema.String))
})
export type StoredSession = typeof StoredSession.Type

const Sessions = Schema.Record(Schema.String, StoredSession)
type Sessions = typeof Sessions.Type

const SessionsText = Schema.fromJsonString(Sessions)
const decode = Schema.decodeUnknownEffect(SessionsText)
const encode = Schema.encodeEffect(SessionsText)

/** `NXMESH_SESSION_FILE`, or a file in the user's configuration directory (XDG Base Directory). */
export const sessionFile = Effect.gen(function* () {
  const path = yield* Path.Path
  const named = yield* Config.option(Config.String("NXMESH_SESSION_FILE"))
  if (Option.isSome(named)) return named.value
  const base = yield* Config.option(Config.String("XDG_CONFIG_HOME"))
  return path.join(
    Option.getOrElse(base, () => path.join(homedir(), ".config")),
    "nxmesh",
    "sessions.json"
  )
}).pipe(Effect.mapError((error) => new CliFailure({ kind: "Usage", message: error.message })))

const fileFailed = (file: string, task: string) => (error: { readonly message: string }) =>
  refused(`${file} cannot be ${task}: ${error.message}`)

/** What others may do with a file, in its mode. */
const othersBits = 0o077

const readAll = Effect.fnUntraced(function* (
  file: string
): Effect.fn.Return<Sessions, CliFailure, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  const failed = fileFailed(file, "read")
  if (!(yield* Effect.mapError(fs.exists(file), failed))) return {}
  const { mode } = yield* Effect.mapError(fs.stat(file), failed)
  if ((mode & othersBits) !== 0) {
    return yield* refused(`${file} holds tokens and others can read it: chmod 600 ${file}, and log in again`)
  }
  const text = yield* Effect.mapError(fs.readFileString(file), failed)
  return yield* decode(text).pipe(Effect.mapError(() => refused(`${file} is damaged: delete it, and log in again`)))
})

/** Written beside the file and moved over it, so that a crash leaves the old or the new one. */
const writeAll = Effect.fnUntraced(function* (file: string, sessions: Sessions) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const text = yield* Effect.orDie(encode(sessions))
  yield* Effect.gen(function* () {
    yield* fs.makeDirectory(path.dirname(file), { recursive: true, mode: 0o700 })
    const part = yield* fs.makeTempFile({ directory: path.dirname(file), prefix: ".sessions-" })
    yield* fs.chmod(part, 0o600)
    yield* fs.writeFileString(part, text)
    yield* fs.rename(part, file)
  }).pipe(Effect.mapError(fileFailed(file, "written")))
})

export const findSession = (file: string, origin: string) =>
  Effect.map(readAll(file), (sessions): StoredSession | undefined => sessions[origin])

/** Replaces the origin's session; `null` forgets it. */
export const keepSession = Effect.fnUntraced(function* (file: string, origin: string, session: StoredSession | null) {
  const { [origin]: _old, ...others } = yield* readAll(file)
  yield* writeAll(file, session === null ? others : { ...others, [origin]: session })
})
