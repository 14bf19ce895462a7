/**
 * Takes backups: a copy of the state at one moment, made in a thread of its own, compressed in libuv's threads and given
 * away piece by piece, so that commands are applied and requests answered meanwhile.
 */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import type { BackupHeader } from "@nxmesh/protocol/model/Backup"
import { Clock, Context, Data, Effect, Layer, Semaphore, Stream } from "effect"
import type { Scope } from "effect"
import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { rm, stat, statfs } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { pipeline, type Readable } from "node:stream"
import { createZstdCompress } from "node:zlib"
import { Limits } from "../Limits.ts"
import { Secrets } from "../secrets/Secrets.ts"
import { openConnection } from "../state/Connection.ts"
import { Database } from "../state/Database.ts"
import { clusterState } from "../state/ReadCluster.ts"
import { runDatabaseTask } from "../state/replica/DatabaseTask.ts"
import { readApplied } from "../state/StateMachine.ts"
import { version } from "../Version.ts"
import { encodeHeader } from "./BackupFormat.ts"

/** Nothing was given away. */
export class BackupRefused extends Data.TaggedError("BackupRefused")<{
  /** Busy: another one is being taken here. Failed: this master cannot, by its disk or its state. */
  readonly reason: "Busy" | "Failed"
  readonly message: string
}> {}

/** The stream broke off: whoever reads it finds no checksum at its end. */
export class BackupBroken extends Data.TaggedError("BackupBroken")<{ readonly cause: unknown }> {
  override get message() {
    return `the backup broke off: ${this.cause instanceof Error ? this.cause.message : String(this.cause)}`
  }
}

export interface Backup {
  readonly header: BackupHeader
  /** The whole file, once. */
  readonly content: Stream.Stream<Uint8Array, BackupBroken>
}

/** Among snapshots of the state, which are numbered from 1: what a crash leaves is removed with them. */
const copyName = "snapshot-0.db"

const failed = (cause: unknown): BackupRefused =>
  new BackupRefused({
    reason: "Failed",
    message: `this master cannot take a backup: ${cause instanceof Error ? cause.message : String(cause)}`
  })

const attempt = <A>(run: () => Promise<A>): Effect.Effect<A, BackupRefused> =>
  Effect.tryPromise({ try: run, catch: failed })

/** A copy that fills the disk would stop this master. */
const requireRoom = (file: string): Effect.Effect<void, BackupRefused> =>
  Effect.gen(function* () {
    const { size } = yield* attempt(() => stat(file))
    const { bavail, bsize } = yield* attempt(() => statfs(dirname(file)))
    const wanted = size + Limits.state.walBytesMax + Limits.cluster.diskAlarmBytes
    if (bavail * bsize >= wanted) return
    return yield* failed(
      `its disk has ${bavail * bsize} bytes left, and a copy of the state needs ${wanted}: ask another master, or free some`
    )
  })

/** What is written last: SHA-256 of all that went before. */
const withChecksum = <E>(content: Stream.Stream<Uint8Array, E>): Stream.Stream<Uint8Array, E> =>
  Stream.suspend(() => {
    const hash = createHash("sha256")
    return content.pipe(
      Stream.tap((part) => Effect.sync(() => void hash.update(part))),
      Stream.concat(Stream.suspend(() => Stream.make(new Uint8Array(hash.digest()))))
    )
  })

const compressed = (path: string): Stream.Stream<Uint8Array, BackupBroken> =>
  Stream.suspend(() => {
    // An error of any part ends the stream that is read.
    const output: Readable = pipeline(
      createReadStream(path, { highWaterMark: Limits.backup.chunkBytes }),
      createZstdCompress(),
      () => undefined
    )
    return Stream.fromAsyncIterable(output as AsyncIterable<Uint8Array>, (cause) => new BackupBroken({ cause }))
  })

export class Backups extends Context.Service<
  Backups,
  {
    /**
     * As of now: the state holds what it had applied when this was called, and what `announce` did, which comes when it is
     * this one's turn. The copy is removed with the scope.
     */
    readonly take: <A, E, R>(
      announce: Effect.Effect<A, E, R>
    ) => Effect.Effect<Backup, BackupRefused | E, Scope.Scope | R>
  }
>()("@nxmesh/master/backup/Backups") {
  static readonly layer = Layer.effect(
    Backups,
    Effect.gen(function* () {
      const database = yield* Database
      const { keyId } = yield* Secrets
      const turn = yield* Semaphore.make(1)
      const lastTaken = yield* (yield* Metrics).gauge({
        name: "nxmesh_cluster_last_backup_seconds",
        help: "When this master last gave away a whole backup, in seconds since 1970; 0: not since it started."
      })
      lastTaken.set(0)

      const takeTurn = Effect.acquireRelease(
        Effect.flatMap(turn.takeIfAvailable(1), (isMine) =>
          isMine
            ? Effect.void
            : new BackupRefused({
                reason: "Busy",
                message: "this master is giving away a backup already: wait until it is done, or ask another master"
              })
        ),
        () => turn.release(1)
      )

      const removeCopy = (path: string) =>
        Effect.catch(
          attempt(async () => {
            const { states } = database
            for (const file of [path, ...states.startingWith(basename(path))]) await rm(file, { force: true })
          }),
          (error) => Effect.logWarning(error.message)
        )

      const copyState = Effect.gen(function* () {
        const path = join(database.states.directory, copyName)
        yield* requireRoom(database.file)
        yield* Effect.acquireRelease(removeCopy(path), () => removeCopy(path))
        const { bytes } = yield* Effect.mapError(
          Effect.suspend(() => runDatabaseTask({ kind: "copy", from: database.file, to: path })),
          failed
        )
        return { path, bytes }
      })

      const headerOf = Effect.fnUntraced(function* (path: string, bytes: number) {
        const createdAtMillis = yield* Clock.currentTimeMillis
        return yield* Effect.try({
          try: (): BackupHeader => {
            const connection = openConnection(path, { readOnly: true, busyMillisMax: Limits.state.busyMillisMax })
            try {
              const cluster = clusterState(connection)
              if (cluster === undefined) throw new Error("its state does not hold the cluster yet")
              const { index, term } = readApplied(connection)
              return {
                cluster_id: cluster.clusterId,
                cluster_version: cluster.clusterVersion,
                epoch: cluster.epoch,
                index,
                term,
                created_at: new Date(createdAtMillis).toISOString(),
                nxmesh_version: version,
                key_id: keyId(),
                state_bytes: bytes
              }
            } finally {
              connection.close()
            }
          },
          catch: failed
        })
      })

      const take = Effect.fn("Backups.take")(function* <A, E, R>(announce: Effect.Effect<A, E, R>) {
        yield* takeTurn
        yield* announce
        const { bytes, path } = yield* copyState
        const header = yield* headerOf(path, bytes)
        const content = withChecksum(Stream.concat(Stream.make(encodeHeader(header)), compressed(path)))
        const done = Effect.map(Clock.currentTimeMillis, (millis) => lastTaken.set(Math.floor(millis / 1_000)))
        return { header, content: Stream.onEnd(content, done) }
      })

      return Backups.of({ take })
    })
  )
}
