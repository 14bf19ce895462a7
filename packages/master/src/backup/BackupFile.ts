/** Reads a backup from a file: checks all of it, and takes the state out of it. */
import type { BackupHeader } from "@nxmesh/protocol/model/Backup"
import { Effect, Result } from "effect"
import { createHash, timingSafeEqual } from "node:crypto"
import { createReadStream, createWriteStream } from "node:fs"
import { open, stat } from "node:fs/promises"
import { Transform } from "node:stream"
import { pipeline } from "node:stream/promises"
import { createZstdDecompress } from "node:zlib"
import { Limits } from "../Limits.ts"
import { BackupUnusable, checksumBytes, decodeHeader } from "./BackupFormat.ts"

export interface CheckedBackup {
  readonly file: string
  readonly header: BackupHeader
  readonly bytes: number
  /** SHA-256 of all but itself, lower-case hexadecimal: the file ends with it. */
  readonly checksum: string
  readonly bodyAt: number
}

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

const attempt = <A>(file: string, run: () => Promise<A>): Effect.Effect<A, BackupUnusable> =>
  Effect.tryPromise({
    try: run,
    catch: (cause) =>
      cause instanceof BackupUnusable
        ? cause
        : new BackupUnusable({ file, problem: `cannot be read: ${reasonOf(cause)}` })
  })

const readAt = async (file: string, position: number, bytes: number): Promise<Uint8Array> => {
  const handle = await open(file, "r")
  try {
    const part = new Uint8Array(bytes)
    const { bytesRead } = await handle.read(part, 0, bytes, position)
    return part.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}

const checksumOf = async (file: string, bytes: number): Promise<Buffer> => {
  const hash = createHash("sha256")
  await pipeline(createReadStream(file, { end: bytes - 1 }), hash)
  return hash.digest()
}

/** Reads the whole file once, and vouches for every byte of it. Fails with BackupUnusable. */
export const checkBackup = (file: string): Effect.Effect<CheckedBackup, BackupUnusable> =>
  attempt(file, async () => {
    const { size: bytes } = await stat(file)
    const read = decodeHeader(await readAt(file, 0, Limits.backup.headerBytesMax))
    if (Result.isFailure(read)) throw new BackupUnusable({ file, problem: read.failure })
    const { bodyAt, header } = read.success
    const damaged = new BackupUnusable({
      file,
      problem: "is damaged or cut short: its checksum is not that of its content. Use another backup"
    })
    if (bytes < bodyAt + checksumBytes) throw damaged
    const found = await readAt(file, bytes - checksumBytes, checksumBytes)
    const computed = await checksumOf(file, bytes - checksumBytes)
    if (found.length !== checksumBytes || !timingSafeEqual(found, computed)) throw damaged
    return { file, header, bytes, checksum: computed.toString("hex"), bodyAt }
  })

/** Lets through as many bytes as were announced, so that a file that lies cannot fill the disk. */
const atMost = (bytesMax: number, exceeded: () => Error): Transform => {
  let passed = 0
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      passed += chunk.length
      if (passed > bytesMax) done(exceeded())
      else done(null, chunk)
    }
  })
}

/** Writes the state to `to`, where nothing is yet, durably. */
export const unpackState = (
  { bodyAt, bytes, file, header }: CheckedBackup,
  to: string
): Effect.Effect<void, BackupUnusable> =>
  attempt(file, async () => {
    const exceeded = () =>
      new BackupUnusable({ file, problem: "holds more than its header says: it is no sound backup" })
    await pipeline(
      createReadStream(file, { start: bodyAt, end: bytes - checksumBytes - 1 }),
      createZstdDecompress(),
      atMost(header.state_bytes, exceeded),
      createWriteStream(to, { flags: "wx", mode: 0o600, flush: true })
    )
    const { size } = await stat(to)
    if (size === header.state_bytes) return
    throw new BackupUnusable({ file, problem: "holds less than its header says: it is no sound backup" })
  })
