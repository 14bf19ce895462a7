/**
 * Entries per second that become durable in Raft's log, 256 bytes each, at 1, 16, 64 and 256 writers of which each waits
 * for its last entry; beside a bare write and fdatasync of as many bytes, on the same disk and in the same run.
 */
import { closeSync, fdatasyncSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { crc32c } from "../packages/raft/src/storage/Crc32c.ts"
import { DiskStorage } from "../packages/raft/src/storage/DiskStorage.ts"
import { nodeFileSystem } from "../packages/raft/src/storage/file/NodeFileSystem.ts"
import { StorageThread } from "../packages/raft/src/storage/thread/StorageThread.ts"
import { benchOptions } from "./raft/BenchOptions.ts"

const values = benchOptions({ seconds: { type: "string", default: "2" } })
const seconds = Number(values.seconds)
const entryBytes = 256
const data = new Uint8Array(entryBytes).fill(7)

const summary = (latencies: Array<number>, elapsedMillis: number, flushes: number) => {
  latencies.sort((a, b) => a - b)
  const at = (share: number): number => Number((latencies[Math.floor((latencies.length - 1) * share)] ?? 0).toFixed(3))
  return {
    "entries/s": Math.round((latencies.length / elapsedMillis) * 1_000),
    "flushes/s": Math.round((flushes / elapsedMillis) * 1_000),
    "p50 ms": at(0.5),
    "p99 ms": at(0.99)
  }
}

/** As fast as the disk is: one write, one flush, into space that is there already or that the file grows by. */
const bare = (directory: string, zeros: number) => {
  const file = openSync(join(directory, "bare"), "w")
  writeSync(file, new Uint8Array(zeros), 0, zeros, 0)
  fsyncSync(file)
  const latencies: Array<number> = []
  const start = performance.now()
  for (let offset = 0; performance.now() - start < seconds * 1_000; offset += entryBytes) {
    const sent = performance.now()
    writeSync(file, data, 0, entryBytes, offset)
    fdatasyncSync(file)
    latencies.push(performance.now() - sent)
  }
  closeSync(file)
  return summary(latencies, performance.now() - start, latencies.length)
}

/** The log itself, without its thread: append and sync. */
const inThread = (directory: string) => {
  const storage = DiskStorage.open(nodeFileSystem, join(directory, "in-thread"))
  const latencies: Array<number> = []
  const start = performance.now()
  for (let index = 1; performance.now() - start < seconds * 1_000; index++) {
    const sent = performance.now()
    storage.append({ hardState: null, truncateFrom: null, entries: [{ kind: "Command", index, term: 1, data }] })
    storage.sync()
    latencies.push(performance.now() - sent)
  }
  const elapsed = performance.now() - start
  storage.close()
  return summary(latencies, elapsed, latencies.length)
}

/** Through the storage thread, as a node does it. */
const throughThread = async (directory: string, writers: number) => {
  const waiting: Array<{ readonly sequence: number; readonly sent: number }> = []
  const latencies: Array<number> = []
  let flushes = 0
  let next = 0
  const start = performance.now()
  const isOver = (): boolean => performance.now() - start >= seconds * 1_000
  let finish = (): void => undefined
  const finished = new Promise<void>((resolve) => (finish = resolve))
  const send = (thread: StorageThread): void => {
    next += 1
    waiting.push({ sequence: next, sent: performance.now() })
    const entry = { kind: "Command", index: next, term: 1, data } as const
    thread.append({ sequence: next, hardState: null, truncateFrom: null, entries: [entry] })
  }
  const thread: StorageThread = await StorageThread.open(join(directory, `thread-${writers}`), {
    durable: (sequence) => {
      flushes += 1
      const now = performance.now()
      const count = waiting.filter((one) => one.sequence <= sequence).length
      for (const { sent } of waiting.splice(0, count)) latencies.push(now - sent)
      if (!isOver()) for (let i = 0; i < count; i++) send(thread)
      else if (waiting.length === 0) finish()
    },
    failed: (failure) => {
      throw failure
    }
  })
  for (let i = 0; i < writers; i++) send(thread)
  await finished
  const elapsed = performance.now() - start
  await thread.close()
  return summary(latencies, elapsed, flushes)
}

const megabytesPerSecond = (): number => {
  const bytes = new Uint8Array(1_048_576).fill(3)
  for (let i = 0; i < 20; i++) crc32c(bytes)
  const start = performance.now()
  for (let i = 0; i < 200; i++) crc32c(bytes)
  return Math.round(200 / ((performance.now() - start) / 1_000))
}

const directory = mkdtempSync(join(tmpdir(), "raft-log-"))
try {
  const rows: Record<string, unknown> = {
    "bare write + fdatasync, zeroed ahead": bare(directory, 32 * 1_048_576),
    "bare write + fdatasync, growing": bare(directory, 0),
    "log, append + sync": inThread(directory)
  }
  for (const writers of [1, 16, 64, 256]) {
    rows[`log thread, ${writers} writer${writers === 1 ? "" : "s"}`] = await throughThread(directory, writers)
  }
  console.log(`raft log, ${entryBytes}-byte entries, fdatasync on, ${seconds} s each`)
  console.table(rows)
  console.log(`CRC-32C: ${megabytesPerSecond()} MB/s`)
} finally {
  rmSync(directory, { recursive: true })
}
