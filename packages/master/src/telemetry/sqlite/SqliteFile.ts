/**
 * The store's file over time: opened when it is needed, given up when the disk has too little room for what matters more, and
 * set aside when it is damaged. Nobody waits for a person: telemetry begins anew, and what was is kept beside it.
 */
import { existsSync, renameSync, rmSync, statfsSync, statSync } from "node:fs"
import { dirname } from "node:path"
import { Limits } from "../../Limits.ts"
import { fatalCondition } from "../../state/Connection.ts"
import { SqliteDatabase, TelemetryOfAnotherVersion } from "./SqliteDatabase.ts"

const damaged = new Set(["SQLITE_CORRUPT", "SQLITE_NOTADB"])

export const isDamage = (cause: unknown): boolean =>
  cause instanceof TelemetryOfAnotherVersion || damaged.has(fatalCondition(cause) ?? "")

/** The log and the state come first: telemetry stops at twice the bounds of the alarm. Pure. */
export const leavesRoom = (freeBytes: number, totalBytes: number): boolean =>
  freeBytes >= 2 * Math.min(Limits.cluster.diskAlarmBytes, Limits.cluster.diskAlarmShare * totalBytes)

export class SqliteFile {
  private readonly path: string
  private opened: { readonly database: SqliteDatabase; readonly inode: number } | null = null

  constructor(path: string) {
    this.path = path
  }

  /** Throws when it cannot be opened, also not after the file was set aside. */
  database(): SqliteDatabase {
    // Somebody may have removed the file: what is written to one without a name is lost.
    if (this.opened !== null && statSync(this.path, { throwIfNoEntry: false })?.ino !== this.opened.inode) this.close()
    this.opened ??= this.open()
    return this.opened.database
  }

  /** Throws when there is too little room to write. */
  requireRoom(): void {
    const { bavail, blocks, bsize } = statfsSync(dirname(this.path))
    if (!leavesRoom(bavail * bsize, blocks * bsize)) {
      throw new Error(`the disk of ${dirname(this.path)} is almost full: make room there`)
    }
  }

  /** Keeps one that was damaged, instead of an older one. */
  setAside(): void {
    this.close()
    for (const suffix of ["-wal", "-shm", ""]) {
      rmSync(`${this.path}.damaged${suffix}`, { force: true })
      if (existsSync(`${this.path}${suffix}`)) renameSync(`${this.path}${suffix}`, `${this.path}.damaged${suffix}`)
    }
  }

  close(): void {
    const { opened } = this
    this.opened = null
    opened?.database.close()
  }

  private open() {
    try {
      return this.openOnce()
    } catch (cause) {
      if (!isDamage(cause)) throw cause
      this.setAside()
      return this.openOnce()
    }
  }

  private openOnce() {
    const database = new SqliteDatabase(this.path)
    return { database, inode: statSync(this.path).ino }
  }
}
