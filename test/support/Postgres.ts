/**
 * A real PostgreSQL for a test: a cluster of its own in a private folder, on loopback, with a password. Ended with the scope.
 * Its programs come from the path, or from where Debian puts them. As root it runs as the user `postgres`, because
 * PostgreSQL refuses root.
 */
import { Data, Effect, type Scope } from "effect"
import { type ChildProcess, execFile, spawn } from "node:child_process"
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { userInfo } from "node:os"
import { connect } from "node:net"
import { join } from "node:path"
import { freePort } from "./FreePort.ts"
import { until } from "./Wait.ts"

export class PostgresFailed extends Data.TaggedError("PostgresFailed")<{ readonly message: string }> {}

export const postgresPassword = "a password / with: marks"

export interface Postgres {
  /** With user and password, for `DATABASE_URL`. */
  readonly url: string
  /** Of a database of this server that is made when it is not there. */
  readonly database: (name: string) => Effect.Effect<string>
  /** Runs one statement by psql and answers what it prints: rows by line, columns separated by `|`. */
  readonly sql: (statement: string, database?: string) => Effect.Effect<string>
  readonly port: number
  readonly start: Effect.Effect<void>
  /** Cuts every connection and stops in good order. */
  readonly stop: Effect.Effect<void>
  /** SIGKILL to the server: what was committed is there after `start`, what was under way is not. */
  readonly kill: Effect.Effect<void>
}

const debian = "/usr/lib/postgresql"

/** Where the programs are; `null` where there is no PostgreSQL. */
export const postgresPrograms = (): string | null => {
  const onPath = (process.env["PATH"] ?? "").split(":")
  const versions = existsSync(debian) ? readdirSync(debian).map((version) => join(debian, version, "bin")) : []
  const found = [...versions.toReversed(), ...onPath].find(
    (folder) => existsSync(join(folder, "initdb")) && existsSync(join(folder, "postgres"))
  )
  return found ?? null
}

interface Owner {
  readonly uid: number
  readonly gid: number
}

const run = (file: string, options: ReadonlyArray<string>, more: object = {}) =>
  Effect.callback<string, PostgresFailed>((resume) => {
    execFile(file, options, { encoding: "utf8", ...more }, (error, stdout, stderr) =>
      resume(
        error === null
          ? Effect.succeed(stdout)
          : Effect.fail(new PostgresFailed({ message: `${file}: ${stderr || error.message}` }))
      )
    )
  })

const ownerOfServer = Effect.gen(function* () {
  const { gid, uid } = userInfo()
  if (uid !== 0) return { uid, gid }
  const [user, group] = yield* Effect.all([run("id", ["-u", "postgres"]), run("id", ["-g", "postgres"])])
  return { uid: Number(user), gid: Number(group) }
})

const accepts = (port: number) =>
  Effect.callback<boolean>((resume) => {
    const socket = connect(port, "127.0.0.1")
    const answer = (isThere: boolean) => {
      socket.destroy()
      resume(Effect.succeed(isThere))
    }
    socket.once("connect", () => answer(true))
    socket.once("error", () => answer(false))
  })

const ended = (child: ChildProcess | null) =>
  Effect.callback<void>((resume) => {
    if (child === null || child.exitCode !== null || child.signalCode !== null) resume(Effect.void)
    else child.once("exit", () => resume(Effect.void))
  })

const initialise = (programs: string, folder: string, owner: Owner) =>
  Effect.gen(function* () {
    const passwordFile = join(folder, "password")
    writeFileSync(passwordFile, `${postgresPassword}\n`)
    for (const path of [folder, passwordFile]) chownSync(path, owner.uid, owner.gid)
    chmodSync(folder, 0o700)
    yield* run(
      join(programs, "initdb"),
      [
        ...["-D", join(folder, "data"), "-U", "nxmesh", "--encoding=UTF8", "--locale=C", "--no-sync"],
        ...["--auth=scram-sha-256", `--pwfile=${passwordFile}`]
      ],
      { ...owner, cwd: folder }
    )
  })

/** Also right after a kill, when processes of the one before are still on their way out. */
const serve = (programs: string, folder: string, port: number, owner: Owner) =>
  Effect.gen(function* () {
    const child = spawn(
      join(programs, "postgres"),
      [
        ...["-D", join(folder, "data"), "-p", String(port), "-c", "listen_addresses=127.0.0.1"],
        ...["-c", `unix_socket_directories=${folder}`, "-c", "max_connections=40", "-c", "shared_buffers=32MB"],
        // A kill of the server loses nothing by this; only one of the machine would.
        ...["-c", "fsync=off", "-c", "full_page_writes=off"]
      ],
      { ...owner, cwd: folder, stdio: "ignore", env: { PATH: process.env["PATH"], ...marker() } }
    )
    const state = yield* until(
      Effect.map(accepts(port), (isThere) => (child.exitCode === null ? (isThere ? "up" : "starting") : "ended")),
      (seen) => seen !== "starting",
      { fact: "PostgreSQL listens", timeoutMillis: 30_000 }
    )
    return state === "up" ? child : yield* new PostgresFailed({ message: `it ended with ${child.exitCode}` })
  })

/** The suite marks its processes by a variable, to find those that outlive it. */
const marker = (): Record<string, string> => {
  const id = process.env["NXMESH_TEST_RUN"]
  return id === undefined ? {} : { NXMESH_TEST_RUN: id }
}

/** Dies where PostgreSQL is not installed. */
export const startPostgres: Effect.Effect<Postgres, never, Scope.Scope> = Effect.gen(function* () {
  const programs = postgresPrograms()
  if (programs === null) return yield* new PostgresFailed({ message: "install postgresql: initdb was not found" })
  const owner = yield* ownerOfServer
  const folder = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync("/tmp/nxmesh-postgres-")),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  yield* initialise(programs, folder, owner)
  const port = yield* freePort
  let child: ChildProcess | null = null
  const end = (signal: NodeJS.Signals) =>
    Effect.suspend(() => {
      const ending = child
      child = null
      ending?.kill(signal)
      return ended(ending)
    })
  const urlOf = (name: string) => `postgres://nxmesh:${encodeURIComponent(postgresPassword)}@127.0.0.1:${port}/${name}`
  const psql = (statement: string, database: string) =>
    run(join(programs, "psql"), [
      "-X",
      "-A",
      "-t",
      "-v",
      "ON_ERROR_STOP=1",
      "-d",
      urlOf(database),
      "-c",
      statement
    ]).pipe(Effect.map((text) => text.trim()))
  const sql = (statement: string, database = "postgres") => Effect.orDie(psql(statement, database))
  const start = Effect.suspend(() => serve(programs, folder, port, owner)).pipe(
    Effect.retry({ times: 20 }),
    Effect.map((started) => void (child = started)),
    // It listens before it lets anybody in.
    Effect.andThen(
      until(Effect.result(psql("SELECT 1", "postgres")), ({ _tag }) => _tag === "Success", {
        fact: "PostgreSQL answers"
      })
    ),
    Effect.asVoid,
    Effect.orDie
  )
  // SIGINT: a fast shutdown, which waits for no client.
  yield* Effect.acquireRelease(start, () => end("SIGINT"))
  return {
    url: urlOf("postgres"),
    database: (name: string) => Effect.as(sql(`CREATE DATABASE "${name}"`), urlOf(name)),
    sql,
    port,
    start,
    stop: end("SIGINT"),
    kill: end("SIGKILL")
  }
}).pipe(Effect.orDie)
