import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { canUseNamespaces } from "../support/Namespaces.ts"
import { chaosRun } from "./ChaosRun.ts"
import { fullExpectations, judge, summary } from "./Judgement.ts"

/** Faults begin until then. Longer runs, and other seeds: `npm run chaos`. */
const seconds = 60

/** Starting, healing and checking come on top. */
const timeoutMillis = 400_000

describe.skipIf(!canUseNamespaces())("a cluster under faults", () => {
  it.live(
    "loses no acknowledged write, reads no old value, and serves every visitor",
    () =>
      Effect.gen(function* () {
        const lines: Array<string> = []
        const facts = yield* chaosRun({
          seed: 1,
          seconds,
          operationsMin: fullExpectations.operationsMin,
          clients: 16,
          agents: 3,
          report: (line) => lines.push(line)
        })
        assert.deepStrictEqual(judge(facts, fullExpectations), [], `${lines.join("\n")}\n${summary(facts)}`)
      }),
    timeoutMillis
  )
})
