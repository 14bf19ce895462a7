/**
 * A backup is one file:
 * 1. a line with the format and its version: `NXMESH-BACKUP 1`;
 * 2. a line of JSON, the `BackupHeader`;
 * 3. the state, an SQLite database, compressed with zstd (RFC 8878);
 * 4. 32 bytes: SHA-256 of everything before them.
 *
 * Secrets in the state are sealed with the key file, which is no part of it.
 */
import { BackupHeader } from "@nxmesh/protocol/model/Backup"
import { Data, Result, Schema } from "effect"
import { Limits } from "../Limits.ts"

export const checksumBytes = 32

const formatName = "NXMESH-BACKUP"
const formatVersion = 1

export class BackupUnusable extends Data.TaggedError("BackupUnusable")<{
  readonly file: string
  readonly problem: string
}> {
  override get message() {
    return `${this.file} ${this.problem}`
  }
}

const HeaderText = Schema.fromJsonString(BackupHeader)
const encode = Schema.encodeSync(HeaderText)
const decode = Schema.decodeUnknownResult(HeaderText)

/** The two lines before the state. */
export const encodeHeader = (header: BackupHeader): Uint8Array =>
  Buffer.from(`${formatName} ${formatVersion}\n${encode(header)}\n`, "utf8")

export interface ReadHeader {
  readonly header: BackupHeader
  /** Where the compressed state begins. */
  readonly bodyAt: number
}

const noBackup = "is no backup of NxMesh"

/** Pure: the header at the beginning of a file, of which `start` are the first bytes; else what is wrong with it. */
export const decodeHeader = (start: Uint8Array): Result.Result<ReadHeader, string> => {
  const bytes = Buffer.from(start.buffer, start.byteOffset, Math.min(start.length, Limits.backup.headerBytesMax))
  const nameEnd = bytes.indexOf("\n")
  const [, version] = /^NXMESH-BACKUP ([1-9]\d{0,8})$/.exec(bytes.toString("utf8", 0, Math.max(0, nameEnd))) ?? []
  if (version === undefined) return Result.fail(noBackup)
  if (Number(version) !== formatVersion) {
    return Result.fail(`has format ${version}, and this NxMesh reads format ${formatVersion}: use a newer version`)
  }
  const headerEnd = bytes.indexOf("\n", nameEnd + 1)
  if (headerEnd < 0) return Result.fail("has no header: it is damaged or cut short, use another backup")
  return decode(bytes.toString("utf8", nameEnd + 1, headerEnd)).pipe(
    Result.map((header) => ({ header, bodyAt: headerEnd + 1 })),
    Result.mapError(() => "has a header that cannot be read: it is damaged, or a newer version made it")
  )
}
