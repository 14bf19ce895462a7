/**
 * What a snapshot of a master's state costs, and taking one in: a state of 100,000 upstreams, with their versions and the
 * audit. While a snapshot is made the main thread applies a command in each turn; the longest time between two turns is
 * what agents and the API would have waited, beside the same without a snapshot.
 *
 *   npm run bench state-snapshot -- 100000
 */
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { performance } from "node:perf_hooks"
import process, { argv } from "node:process"
import { setImmediate } from "node:timers/promises"
import type { StateMachine } from "@nxmesh/raft/node/StateMachine"
import { Database } from "@nxmesh/master/state/Database"
import { Effect, Fiber } from "effect"
import { applyAt, imageOf, inState, machineOf } from "../packages/master/test/state/replica/TestState.ts"
import {
  saveAgent,
  saveOrganization,
  saveUpstream,
  saveWorkspace,
  update
} from "../packages/master/test/state/TestMaster.ts"
import { millis, p50, percentile, table } from "./Statistics.ts"
import { servers } from "./Upstreams.ts"

const resources = Number(argv[2] ?? 100_000)
const batch = 250

let last = 0
const fill = (machine: StateMachine): void => {
  applyAt(machine, (last += 3), [saveOrganization(1), saveWorkspace(1), saveAgent(1)])
  for (let made = 0; made < resources; made += batch) {
    const commands = Array.from({ length: batch }, (_, i) => saveUpstream(made + i + 1, { servers }))
    applyAt(machine, (last += batch), commands, { millis: last })
  }
}

/** Applies one command a turn until `isOver`. */
const pauses = async (machine: StateMachine, isOver: () => boolean) => {
  const turns: Array<number> = []
  let before = performance.now()
  while (!isOver()) {
    last += 1
    applyAt(machine, last, [saveUpstream((last % resources) + 1, { keepalive_connections: last % 100 }, update())])
    await setImmediate()
    const now = performance.now()
    turns.push(now - before)
    before = now
  }
  return [turns.length.toString(), millis(p50(turns)), millis(percentile(turns, 0.99)), millis(longest(turns))] as const
}

const longest = (turns: ReadonlyArray<number>): number => turns.reduce((most, turn) => Math.max(most, turn), 0)

const megabytes = (bytes: number): string => `${(bytes / 1_048_576).toFixed(0)} MiB`
const seconds = (since: number): string => `${((performance.now() - since) / 1_000).toFixed(1)} s`

const program = Effect.gen(function* () {
  const machine = yield* machineOf
  const database = yield* Database
  const filling = performance.now()
  fill(machine)
  const filled = seconds(filling)
  const quietUntil = performance.now() + 3_000
  const quiet = yield* Effect.promise(() => pauses(machine, () => performance.now() > quietUntil))

  const taking = performance.now()
  const fiber = yield* Effect.forkChild(machine.snapshot, { startImmediately: true })
  const busy = yield* Effect.promise(() => pauses(machine, () => fiber.pollUnsafe() !== undefined))
  const image = yield* Fiber.join(fiber)
  const taken = seconds(taking)

  const restoring = performance.now()
  const incoming = { ...imageOf(image.index, new Uint8Array()), bytes: image.bytes, read: image.read }
  const restore = yield* Effect.forkChild(machine.restore(incoming), { startImmediately: true })
  const turns: Array<number> = []
  for (let before = performance.now(); restore.pollUnsafe() === undefined;) {
    yield* Effect.promise(() => setImmediate())
    const now = performance.now()
    turns.push(now - before)
    before = now
  }
  yield* Fiber.join(restore)
  const restored = seconds(restoring)
  yield* image.close

  process.stdout.write(
    `${resources} upstreams: a state of ${megabytes(statSync(database.file).size)}, filled in ${filled}; its snapshot has ${megabytes(image.bytes)}\n` +
      `taken in ${taken}, in place of the state in ${restored}\n\n` +
      `${table([
        ["the main thread", "turns", "p50", "p99", "longest"],
        ["applying", ...quiet],
        ["applying, while a snapshot is made", ...busy],
        [
          "while a snapshot takes the state's place",
          turns.length.toString(),
          millis(p50(turns)),
          millis(percentile(turns, 0.99)),
          millis(longest(turns))
        ]
      ])}\n`
  )
})

const directory = mkdtempSync(join(tmpdir(), "state-snapshot-"))
try {
  await Effect.runPromise(Effect.scoped(inState(directory)(program)))
} finally {
  rmSync(directory, { recursive: true, force: true })
}
