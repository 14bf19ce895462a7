/** A simulated disk whose next failure is named by what is done and to which file, as in `EIO at the next sync of log`. */
import { basename } from "node:path"
import type { File, FileSystem, Lock } from "../../storage/file/FileSystem.ts"
import type { DiskFault, SimulatedDisk } from "../../storage/file/SimulatedDisk.ts"

export interface NamedFault {
  readonly kind: DiskFault["kind"]
  readonly operation: string
  /** Part of the file's name. */
  readonly file: string
  /** Which of those operations: 1 is the next. */
  readonly nth: number
}

export class FaultyDisk implements FileSystem {
  private readonly disk: SimulatedDisk
  private armed: NamedFault | null = null
  private matched = 0
  /** Where the last fault struck. */
  struck: string | null = null

  constructor(disk: SimulatedDisk) {
    this.disk = disk
  }

  get isArmed(): boolean {
    return this.armed !== null
  }

  arm(fault: NamedFault): void {
    this.armed = fault
    this.matched = 0
  }

  makeDirectory(): void {
    this.disk.makeDirectory()
  }

  list(directory: string): ReadonlyArray<string> {
    return this.disk.list(directory)
  }

  open(path: string, mode: "create" | "existing"): File {
    if (mode === "create") this.before("create", path)
    const file = this.disk.open(path, mode)
    // A file that was renamed while open goes by its old name here.
    return {
      ...file,
      write: (bytes, offset) => {
        this.before("write", path)
        file.write(bytes, offset)
      },
      sync: () => {
        this.before("sync", path)
        file.sync()
      }
    }
  }

  rename(from: string, to: string): void {
    this.before("rename", from)
    this.disk.rename(from, to)
  }

  remove(path: string): void {
    this.before("remove", path)
    this.disk.remove(path)
  }

  syncDirectory(path: string): void {
    this.before("syncDirectory", path)
    this.disk.syncDirectory()
  }

  lock(path: string): Lock {
    return this.disk.lock(path)
  }

  private before(operation: string, path: string): void {
    const { armed } = this
    if (armed === null || armed.operation !== operation || !basename(path).includes(armed.file)) return
    this.matched += 1
    if (this.matched < armed.nth) return
    this.armed = null
    this.struck = `${operation} ${basename(path)}`
    this.disk.failAt({ operation: this.disk.operations + 1, kind: armed.kind })
  }
}
