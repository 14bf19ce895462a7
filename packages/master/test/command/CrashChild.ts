/** Saves hosts as fast as it can and prints the number of each one that was acknowledged, until it is killed. */
import { Effect, Logger } from "effect"
import { writeSync } from "node:fs"
import { argv } from "node:process"
import { masterLayer, saveHost, submit, tenant } from "../state/TestMaster.ts"

const [, , directory = "", first = "1"] = argv

const save = (number: number) =>
  submit(saveHost(number)).pipe(Effect.andThen(Effect.sync(() => writeSync(1, `${number}\n`))))

const program = Effect.gen(function* () {
  yield* Effect.ignore(tenant)
  yield* Effect.forEach(
    Array.from({ length: 100_000 }, (_, index) => Number(first) + index),
    save,
    { concurrency: 32, discard: true }
  )
})

await Effect.runPromise(
  program.pipe(
    Effect.provide(masterLayer(directory)),
    Effect.provide(Logger.layer([Logger.withConsoleError(Logger.formatLogFmt)]))
  )
)
