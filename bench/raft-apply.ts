/**
 * Commands per second that one thread applies to the key-value state machine in SQLite, puts of 256 bytes to one of 10,000
 * keys, in batches of 1, 16 and 256: through a node's Host with sessions; by the machine alone, without sessions; and the
 * Host over a machine that does nothing, which is what the Host and its sessions cost. Beside each the processor time of a
 * command, which other work on the machine changes little, and the longest batch, which shows what is left of a
 * checkpoint in this thread (its processor time, in a thread of its own, counts).
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { setImmediate } from "node:timers/promises"
import { Effect } from "effect"
import type { Entry } from "../packages/raft/src/core/Types.ts"
import { encodeEnvelope } from "../packages/raft/src/node/Envelope.ts"
import { Host } from "../packages/raft/src/node/Host.ts"
import type { StateMachine } from "../packages/raft/src/node/StateMachine.ts"
import { encodeCommand } from "../packages/raft/src/testing/machine/KeyValueCommand.ts"
import { SqliteKeyValue } from "../packages/raft/src/testing/machine/SqliteKeyValue.ts"
import { SeededRandom } from "../packages/raft/src/testing/SeededRandom.ts"
import { millis, table } from "./Statistics.ts"
import { benchOptions } from "./raft/BenchOptions.ts"

const values = benchOptions({ seconds: { type: "string", default: "2" } })
const seconds = Number(values.seconds)
/** Commands without an answer that a proposer has on the way. */
const inFlight = 1_000
const random = new SeededRandom(1)
const commands = Array.from({ length: 10_000 }, (_, i) =>
  encodeCommand({ kind: "put", key: `key-${i}`, value: "x".repeat(256) })
)
let made = 0

/** Each with a value of its own: SQLite does not write a page that would stay the same. */
const nextCommand = (): Uint8Array => {
  const command = random.pick(commands)
  made += 1
  new DataView(command.buffer).setFloat64(command.length - 8, made)
  return command
}

/** Applies one batch that begins at an index. */
type ApplyBatch = (first: number) => void

interface Figures {
  readonly perSecond: number
  readonly cpuMicrosEach: number
  readonly longestMillis: number
}

/** Takes commands, and forgets them. */
const idle = (): StateMachine => {
  const result = new Uint8Array(1)
  return {
    load: () => ({ applied: 0, sessions: [] }),
    apply: ({ commands: batch, sessionChanges }) => {
      const results = batch.map(() => result)
      sessionChanges(results)
      return results
    },
    query: () => result,
    snapshot: Effect.fail("no snapshots"),
    restore: () => Effect.fail("no snapshots")
  }
}

const measure = async (size: number, applyBatch: ApplyBatch): Promise<Figures> => {
  let first = 2
  let longestMillis = 0
  const runFor = async (millis: number): Promise<Figures> => {
    longestMillis = 0
    const from = first
    const cpu = process.cpuUsage()
    const start = performance.now()
    for (let now = start; now - start < millis;) {
      applyBatch(first)
      first += size
      longestMillis = Math.max(longestMillis, performance.now() - now)
      // As in a node, where each batch is a message; what other threads answer comes in between.
      await setImmediate()
      now = performance.now()
    }
    const elapsedSeconds = (performance.now() - start) / 1_000
    const { system, user } = process.cpuUsage(cpu)
    const count = first - from
    return { perSecond: count / elapsedSeconds, cpuMicrosEach: (system + user) / count, longestMillis }
  }
  await runFor(seconds * 250)
  return runFor(seconds * 1_000)
}

const alone = (machine: StateMachine, size: number): ApplyBatch => {
  const sessionChanges = () => ({ expired: [], used: [], forgotten: [], answered: [] })
  return (first) => {
    const batch = Array.from({ length: size }, (_, i) => ({
      index: first + i,
      term: 1,
      millis: 0,
      data: nextCommand()
    }))
    machine.apply({ commands: batch, last: { index: first + size - 1, term: 1 }, sessionChanges })
  }
}

/** The entries are as the Raft thread sends them; making them is part of what is measured. */
const throughHost = (machine: StateMachine, size: number): ApplyBatch => {
  const fail = (failure: Error): never => {
    throw failure
  }
  const host = new Host(machine, {
    tell: () => undefined,
    run: (effect, done) => void Effect.runCallback(effect, { onExit: done }),
    status: () => undefined,
    stopped: fail
  })
  const hear = (entries: ReadonlyArray<Entry>): void => {
    const waiters = entries.map(({ index }) => ({ index, to: "call", id: index }) as const)
    host.hear({ kind: "apply", entries, waiters })
  }
  const entry = (index: number, data: Uint8Array): Entry => ({ kind: "Command", term: 1, index, data })
  hear([entry(1, encodeEnvelope({ kind: "OpenSession", nonce: "bench" }))])
  return (first) =>
    hear(
      Array.from({ length: size }, (_, i) => {
        const index = first + i
        const serial = index - 1
        const acknowledged = Math.max(0, serial - inFlight)
        const data = nextCommand()
        return entry(index, encodeEnvelope({ kind: "Command", session: 1, serial, acknowledged, millis: 0, data }))
      })
    )
}

const rows: Array<ReadonlyArray<string>> = [["commands/s, CPU each, longest batch", "1", "16", "256"]]
const directory = mkdtempSync(join(tmpdir(), "raft-apply-"))
let machines = 0

const row = async (name: string, make: () => StateMachine & { close?: () => void }, through: typeof alone) => {
  const cells: Array<string> = []
  for (const size of [1, 16, 256]) {
    const machine = make()
    const { cpuMicrosEach, longestMillis, perSecond } = await measure(size, through(machine, size))
    machine.close?.()
    cells.push(
      `${Math.round(perSecond).toLocaleString("en")}, ${cpuMicrosEach.toFixed(1)} µs, ${millis(longestMillis)}`
    )
  }
  rows.push([name, ...cells])
}

const sqlite = (): SqliteKeyValue => {
  machines += 1
  return new SqliteKeyValue(join(directory, `${machines}`))
}

try {
  await row("SQLite alone, no sessions", sqlite, alone)
  await row("Host, sessions, SQLite", sqlite, throughHost)
  await row("Host, sessions, no machine", idle, throughHost)
  console.log(`raft apply, 256-byte values, ${inFlight} commands of a session on the way, ${seconds} s each`)
  console.log(table(rows))
} finally {
  rmSync(directory, { recursive: true })
}
