/** Goal: no line is lost and none is read twice, whatever is done to the files, also over restarts. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Limits } from "../../src/Limits.ts"
import type { LogPosition } from "../../src/logs/LogPosition.ts"
import * as LogTail from "../../src/logs/LogTail.ts"

const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "nxmesh-logs-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** A log that is written to, and what was read of it. */
const log = Effect.map(directory, (inside) => {
  const path = join(inside, "access.log")
  let written = 0
  return {
    path,
    /** Appends numbered lines. */
    write: (count: number, to = path) => {
      const lines = Array.from({ length: count }, (_, at) => `line ${written + at}\n`)
      written += count
      appendFileSync(to, lines.join(""))
    },
    all: () => Array.from({ length: written }, (_, at) => `line ${at}`)
  }
})

/** Turns until there is nothing more; answers the lines and where they end. */
const drain = Effect.fnUntraced(function* (tail: LogTail.LogTail) {
  const lines: Array<string> = []
  let positions: ReadonlyArray<LogPosition> = []
  let [tooLong, lost] = [0, 0]
  for (let more = true; more;) {
    const turn = yield* tail.turn
    lines.push(...turn.lines)
    ;({ more, positions } = turn)
    tooLong += turn.tooLong
    lost += turn.lost
  }
  return { lines, positions, tooLong, lost }
})
const opened = (path: string, kept: ReadonlyArray<LogPosition> = []) =>
  LogTail.make(Effect.succeed(path), "start", kept)

describe("The reading of a log", () => {
  it.live("goes through renames, while nginx still writes to the renamed file", () =>
    Effect.gen(function* () {
      const { all, path, write } = yield* log
      const tail = yield* opened(path)
      const lines: Array<string> = []
      for (let round = 0; round < 5; round++) {
        write(10)
        if (round % 2 === 0) lines.push(...(yield* drain(tail)).lines)
        renameSync(path, `${path}.${round}`)
        write(10, `${path}.${round}`)
        lines.push(...(yield* drain(tail)).lines)
        write(3, path)
        lines.push(...(yield* drain(tail)).lines)
      }
      assert.deepStrictEqual(lines, all())
    })
  )

  it.live("goes through a copy and a truncation, with lines that only the copy has", () =>
    Effect.gen(function* () {
      const { all, path, write } = yield* log
      const tail = yield* opened(path)
      const lines: Array<string> = []
      for (let round = 0; round < 5; round++) {
        write(20)
        lines.push(...(yield* drain(tail)).lines)
        write(20)
        copyFileSync(path, `${path}.${round}`)
        truncateSync(path)
        if (round % 2 === 0) lines.push(...(yield* drain(tail)).lines)
        write(round % 2 === 0 ? 1 : 100)
      }
      lines.push(...(yield* drain(tail)).lines)
      assert.deepStrictEqual(lines, all())
    })
  )

  it.live("goes on after restarts, also when the log was rotated meanwhile, more than once", () =>
    Effect.gen(function* () {
      const { all, path, write } = yield* log
      write(10)
      const first = yield* Effect.scoped(Effect.flatMap(opened(path), drain))
      write(10)
      const second = yield* Effect.scoped(Effect.flatMap(opened(path, first.positions), drain))
      write(5)
      renameSync(path, `${path}.2`)
      utimesSync(`${path}.2`, 1_000, 1_000)
      write(5)
      renameSync(path, `${path}.1`)
      utimesSync(`${path}.1`, 2_000, 2_000)
      write(5)
      const third = yield* Effect.scoped(Effect.flatMap(opened(path, second.positions), drain))
      assert.deepStrictEqual([...first.lines, ...second.lines, ...third.lines], all())
    })
  )

  it.live("says so when a rotated file went away before it was read", () =>
    Effect.gen(function* () {
      const { path, write } = yield* log
      write(10)
      const { positions } = yield* Effect.scoped(Effect.flatMap(opened(path), drain))
      rmSync(path)
      writeFileSync(path, "another beginning\n")
      const { lines, lost } = yield* Effect.scoped(Effect.flatMap(opened(path, positions), drain))
      assert.deepStrictEqual([lines, lost], [["another beginning"], 1])
    })
  )

  it.live("takes turns of bounded size, and cuts a line that is too long", () =>
    Effect.gen(function* () {
      const { path } = yield* log
      const long = "x".repeat(3 * Limits.logTurnBytesMax)
      writeFileSync(path, `first\n${long}\nlast\nunfinished`)
      const tail = yield* opened(path)
      const turn = yield* tail.turn
      assert.isTrue(turn.more)
      const rest = yield* drain(tail)
      const lines = [...turn.lines, ...rest.lines]
      assert.deepStrictEqual(
        lines.map((line) => line.length),
        [5, Limits.logLineBytesMax, 4]
      )
      assert.strictEqual(turn.tooLong + rest.tooLong, 1)
      appendFileSync(path, " until now\n")
      assert.deepStrictEqual((yield* drain(tail)).lines, ["unfinished until now"])
    })
  )

  it.live("waits for a log that is not there, and never opens what is no file", () =>
    Effect.gen(function* () {
      const { path, write } = yield* log
      const tail = yield* opened(path)
      assert.deepStrictEqual((yield* drain(tail)).lines, [])
      write(1)
      assert.deepStrictEqual((yield* drain(tail)).lines, ["line 0"])
      assert.deepStrictEqual((yield* drain(yield* opened("/dev/zero"))).lines, [])
    })
  )
})
