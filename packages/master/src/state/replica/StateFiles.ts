/**
 * The state's file while it is open: one connection that apply writes with, one that everyone else reads with, and what
 * moves the -wal into it. Another file takes its place in one synchronous step, so no reader has to be waited for: between
 * two statements nothing of the old file is held.
 */
import { type CheckpointCounts, Checkpoints } from "@nxmesh/raft/sqlite/Checkpoints"
import { StateDirectory } from "@nxmesh/raft/sqlite/StateDirectory"
import type { FileSystem } from "@nxmesh/raft/storage/file/FileSystem"
import { Limits } from "../../Limits.ts"
import { type Connection, followingConnection, openConnection } from "../Connection.ts"
import { keepDigest } from "../digest/StateDigest.ts"
import { migrate } from "../Migrations.ts"

interface Opened {
  readonly writer: Connection
  readonly reader: Connection
  readonly checkpoints: Checkpoints
}

const { busyMillisMax, checkpointBytes, pageCacheBytes, walBytesMax } = Limits.state

/** Makes an empty state, whole in its one file. */
const create = (path: string): void => {
  const connection = openConnection(path, { readOnly: false, busyMillisMax })
  try {
    migrate(connection)
  } finally {
    connection.close()
  }
}

const pageBytes = (connection: Connection): number =>
  connection.get<{ readonly page_size: number }>("PRAGMA page_size")?.page_size ?? 4_096

export class StateFiles {
  readonly states: StateDirectory
  readonly writer: Connection
  readonly reader: Connection
  private readonly checkpointFailed: (cause: Error) => void
  private opened: Opened

  /** Opens the state in `directory`, or makes an empty one. Throws what SQLite and the file system throw, StateFileError and StateVersionUnknown. */
  constructor(files: FileSystem, directory: string, checkpointFailed: (cause: Error) => void) {
    this.checkpointFailed = checkpointFailed
    this.states = new StateDirectory(files, directory, create)
    this.opened = this.open()
    this.writer = followingConnection(() => this.opened.writer)
    this.reader = followingConnection(() => this.opened.reader)
  }

  /** Changes when another state takes this one's place. */
  get file(): string {
    return this.states.current
  }

  /** Has the -wal moved into the file when there is much of it. */
  afterCommit(): void {
    this.opened.checkpoints.afterCommit()
  }

  /**
   * What was written to `states.next` takes the place of the state: durable when it returns. When it throws, neither may
   * be open any more, and the process has to end; the next start finds one of them.
   */
  become(): void {
    const { checkpoints, reader, writer } = this.opened
    void checkpoints.close()
    // The writer first: whoever closes last would move the -wal into a file that is of no use any more, and a reader cannot.
    writer.close()
    reader.close()
    this.states.adopt()
    this.opened = this.open()
  }

  async close(): Promise<void> {
    const { checkpoints, reader, writer } = this.opened
    await checkpoints.close()
    // The writer last: whoever closes last moves the -wal into the file, and a reader cannot.
    reader.close()
    writer.close()
  }

  private open(): Opened {
    const file = this.states.current
    const writer = openConnection(file, { readOnly: false, busyMillisMax })
    try {
      writer.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF;")
      migrate(writer)
      keepDigest(writer)
      const page = pageBytes(writer)
      writer.execute(`PRAGMA wal_autocheckpoint = ${walBytesMax / page}; PRAGMA cache_size = ${pageCacheBytes / page}`)
      const checkpoints = new Checkpoints({
        checkpoint: (mode) =>
          writer.get<CheckpointCounts>(`PRAGMA wal_checkpoint(${mode})`) ?? { log: 0, checkpointed: 0 },
        file,
        frames: checkpointBytes / page,
        failed: this.checkpointFailed
      })
      return { writer, reader: openConnection(file, { readOnly: true, busyMillisMax }), checkpoints }
    } catch (cause) {
      writer.close()
      throw cause
    }
  }
}
