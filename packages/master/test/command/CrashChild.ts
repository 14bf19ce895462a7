/**
 * Saves hosts as fast as it can and prints the number of each one that was acknowledged, until it is killed. Bulky: with
 * a large command beside each that is refused, so that snapshots are taken and the log is cut all the time; it prints
 * `cut` when that has happened.
 */
import { Limits } from "@nxmesh/protocol/Limits"
import { RaftNode } from "@nxmesh/raft/node/RaftNode"
import { Effect, Logger, Stream } from "effect"
import { writeSync } from "node:fs"
import { argv } from "node:process"
import { frequentSnapshots } from "../state/LoneRaft.ts"
import { raftMasterLayer, saveHost, saveTemplate, submit, tenant, update } from "../state/TestMaster.ts"

const [, , directory = "", first = "1", size = "small"] = argv

const bulk =
  size === "bulky"
    ? Effect.ignore(submit(saveTemplate(1, { source: "x".repeat(Limits.templateCharactersMax) }, update())))
    : Effect.void

const say = (line: string | number) => Effect.sync(() => writeSync(1, `${line}\n`))

const save = (number: number) => Effect.andThen(bulk, submit(saveHost(number))).pipe(Effect.andThen(say(number)))

const sayWhenCut = Effect.gen(function* () {
  const node = yield* RaftNode
  const { firstIndex } = yield* node.status
  yield* node.statuses.pipe(
    Stream.filter((status) => status.firstIndex > firstIndex),
    Stream.take(1),
    Stream.runForEach(() => say("cut"))
  )
})

const program = Effect.gen(function* () {
  if (size === "bulky") yield* Effect.forkChild(sayWhenCut)
  yield* Effect.ignore(tenant)
  yield* Effect.forEach(
    Array.from({ length: 100_000 }, (_, index) => Number(first) + index),
    save,
    { concurrency: 32, discard: true }
  )
})

await Effect.runPromise(
  program.pipe(
    Effect.provide(raftMasterLayer(directory, frequentSnapshots)),
    Effect.provide(Logger.layer([Logger.withConsoleError(Logger.formatLogFmt)]))
  )
)
