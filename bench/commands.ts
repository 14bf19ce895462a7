/** Commands per second through the whole write path of a single master: proposed, logged with fsync, applied, answered. At 1, 8, 64 and 256 clients. */
import type { Command } from "@nxmesh/protocol/Command"
import { Effect, References } from "effect"
import { argv } from "node:process"
import {
  raftMasterLayer,
  saveHost,
  saveOrganization,
  saveWorkspace,
  submit,
  temporaryDirectory,
  tenant,
  update
} from "../packages/master/test/state/TestMaster.ts"

const seconds = Number(argv[2] ?? 3)

const percentile = (sorted: ReadonlyArray<number>, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN

/** Each client sends its next command when the one before is answered. */
const measure = Effect.fnUntraced(function* (clients: number, command: (number: number) => Command) {
  const latencies: Array<number> = []
  const start = performance.now()
  let next = 1
  const client = Effect.gen(function* () {
    while (performance.now() - start < seconds * 1_000) {
      const sent = performance.now()
      yield* submit(command(next++))
      latencies.push(performance.now() - sent)
    }
  })
  yield* Effect.all(
    Array.from({ length: clients }, () => client),
    { concurrency: "unbounded", discard: true }
  )
  const elapsed = (performance.now() - start) / 1_000
  latencies.sort((a, b) => a - b)
  return {
    "per second": Math.round(latencies.length / elapsed),
    "p50 ms": Number(percentile(latencies, 0.5).toFixed(2)),
    "p99 ms": Number(percentile(latencies, 0.99).toFixed(2))
  }
})

const workloads: Readonly<Record<string, (number: number) => Command>> = {
  "create organization": (number) => saveOrganization(number + 10),
  "rename organization": (number) => saveOrganization(1, update(), { name: `Name ${number}` }),
  "create virtual host": (number) => saveHost(number)
}

const program = Effect.gen(function* () {
  const rows: Record<string, unknown> = {}
  for (const [name, command] of Object.entries(workloads)) {
    for (const clients of [1, 8, 64, 256]) {
      const directory = yield* temporaryDirectory
      rows[`${name}, ${clients} clients`] = yield* Effect.andThen(tenant, measure(clients, command)).pipe(
        Effect.andThen((result) => Effect.as(submit(saveWorkspace(2)), result)),
        Effect.provide(raftMasterLayer(directory))
      )
    }
  }
  console.log(`commands, fsync on, ${seconds} s each`)
  console.table(rows)
})

await Effect.runPromise(program.pipe(Effect.scoped, Effect.provideService(References.MinimumLogLevel, "Warn")))
