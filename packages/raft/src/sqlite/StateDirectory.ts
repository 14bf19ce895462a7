/**
 * Which file is the state: `state-<n>.db`, named by the file `CURRENT`. Another state is written beside it and
 * takes its place by one rename, of CURRENT, so a crash leaves the one or the other. A database is never renamed over
 * another: SQLite would find the -wal of the old one beside the new one, and apply it.
 *
 * Synchronous, as SQLite is: what these files are must not change between two steps.
 */
import { join } from "node:path"
import type { FileSystem } from "../storage/file/FileSystem.ts"
import { readWhole } from "../storage/file/FileSystem.ts"
import { StateFileError } from "./StateFileError.ts"

const currentName = "CURRENT"
const temporaryName = "CURRENT.new"
const stateName = (number: number): string => `state-${number}.db`
const statePattern = /^state-(\d+)\.db$/
/** Databases, what SQLite puts beside them, and what a pointer is written to before it counts. */
const removable = /^(?:(?:state|snapshot)-\d+\.db(?:-wal|-shm|-journal)?|CURRENT\..+)$/

export class StateDirectory {
  readonly directory: string
  readonly files: FileSystem
  private number: number

  /** Opens it, or makes it with the database that `create` writes to a path; removes what a crash left. */
  constructor(files: FileSystem, directory: string, create: (path: string) => void) {
    this.files = files
    this.directory = directory
    files.makeDirectory(directory)
    this.number = this.readCurrent()
    for (const path of this.others) files.remove(path)
    if (this.number > 0) return
    create(this.next)
    this.adopt()
  }

  get current(): string {
    return join(this.directory, stateName(this.number))
  }

  /** Where another state is to be written, before `adopt`. */
  get next(): string {
    return join(this.directory, stateName(this.number + 1))
  }

  /**
   * Lets `next`, which is whole, take the place of `current`, which must not be open. Durable when it returns; the
   * old one's files stay.
   */
  adopt(): void {
    const { directory, files } = this
    this.write(this.next, "existing", null)
    files.syncDirectory(directory)
    const temporary = join(directory, temporaryName)
    this.write(temporary, "create", new TextEncoder().encode(`${stateName(this.number + 1)}\n`))
    files.rename(temporary, join(directory, currentName))
    files.syncDirectory(directory)
    this.number += 1
  }

  /** Files that are of no use any more, in a directory where no snapshot and no restore is under way. */
  get others(): ReadonlyArray<string> {
    const keep = stateName(this.number)
    return this.namesOf((name) => removable.test(name) && !name.startsWith(keep))
  }

  /** Files whose names begin so. */
  startingWith(start: string): ReadonlyArray<string> {
    return this.namesOf((name) => name.startsWith(start))
  }

  private namesOf(isMeant: (name: string) => boolean): ReadonlyArray<string> {
    return this.files
      .list(this.directory)
      .filter(isMeant)
      .map((name) => join(this.directory, name))
  }

  /** Flushes a file, after writing to it if there is something to write. */
  private write(path: string, mode: "create" | "existing", content: Uint8Array | null): void {
    const file = this.files.open(path, mode)
    try {
      if (content !== null) file.write(content, 0)
      file.sync()
    } finally {
      file.close()
    }
  }

  /** 0: there is no state yet. */
  private readCurrent(): number {
    const names = this.files.list(this.directory)
    const path = join(this.directory, currentName)
    if (!names.includes(currentName)) {
      // The first start may have been cut short, and nothing but the first start.
      const other = names.find((name) => Number(statePattern.exec(name)?.[1] ?? 0) > 1)
      if (other === undefined) return 0
      throw new StateFileError({ file: path, detail: `it is not there, and ${other} is; ${advice}` })
    }
    const named = new TextDecoder().decode(readWhole(this.files, path)).trim()
    const number = Number(statePattern.exec(named)?.[1] ?? 0)
    if (number === 0) {
      throw new StateFileError({
        file: path,
        detail: `it does not name a state file: ${JSON.stringify(named)}; ${advice}`
      })
    }
    if (!names.includes(named)) {
      throw new StateFileError({ file: path, detail: `it names ${named}, which is not there; ${advice}` })
    }
    return number
  }
}

/** Raft's log and snapshots are elsewhere, and the state follows from them. */
const advice =
  "empty this directory and start again: the state comes back from the log and the snapshot here, or from a node that leads"
