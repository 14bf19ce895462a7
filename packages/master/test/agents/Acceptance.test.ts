import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Queue } from "effect"
import { TestClock } from "effect/testing"
import { acceptanceChange, layerAcceptance } from "../../src/agents/Acceptance.ts"
import { newsOf, nothingHeard } from "../../src/agents/AcceptanceNews.ts"
import { AgentSessions } from "../../src/agents/AgentSessions.ts"
import { Commands } from "../../src/command/Commands.ts"
import { agentId } from "../config/Fixtures.ts"
import { engineLayer } from "../config/TestEngine.ts"
import { temporaryDirectory, tenant } from "../state/TestMaster.ts"
import { connectTo } from "./SeveralMasters.ts"

describe("acceptanceChange", () => {
  it("closes at the first problem and opens when there is none, once each", () => {
    const steps = [null, null, "a", "b", "b", null, null]
    const changes = steps.slice(1).map((problem, index) => acceptanceChange(steps[index] ?? null, problem))
    assert.deepStrictEqual(changes, ["nothing", "close", "nothing", "nothing", "open", "nothing"])
  })
})

/** The news at each second of these problems. */
const newsAt = (problems: ReadonlyArray<string | null>) => {
  let heard = nothingHeard
  return problems.map((problem, second) => {
    const { heard: after, news } = newsOf(heard, problem, 1_000_000 + second * 1_000)
    heard = after
    return news
  })
}

describe("newsOf", () => {
  it("says nothing of a start that catches up, and warns of one that does not, once", () => {
    assert.deepStrictEqual(newsAt(["behind", "behind", null, null]), [null, null, null, null])
    const long = newsAt(Array.from({ length: 40 }, () => "behind"))
    assert.deepStrictEqual(
      long.flatMap((news, second) => (news === null ? [] : [[second, news]])),
      [[30, "NotYet"]]
    )
    assert.strictEqual(newsAt([...Array.from({ length: 40 }, () => "behind"), null]).at(-1), "TakenAgain")
  })

  it("warns at once of a master that took agents, and says when it takes them again", () => {
    assert.deepStrictEqual(newsAt([null, "no leader", "still none", null, "no leader"]), [
      null,
      "SentAway",
      null,
      "TakenAgain",
      "SentAway"
    ])
  })
})

describe("a master of a minority (rule 16)", () => {
  it.effect("says goodbye to its agents and takes none, until a leader is known", () =>
    Effect.flatMap(temporaryDirectory, (directory) => {
      let problem: string | null = null
      const commands = Layer.effect(
        Commands,
        Effect.map(Commands, (real) => Commands.of({ ...real, problem: Effect.sync(() => problem) }))
      )
      const master = layerAcceptance.pipe(
        Layer.provideMerge(AgentSessions.layer),
        Layer.provideMerge(commands),
        Layer.provideMerge(engineLayer(directory))
      )
      return Effect.gen(function* () {
        yield* tenant
        const sessions = yield* AgentSessions
        const services = yield* Effect.context<AgentSessions>()
        const connect = connectTo({ services }, agentId(1))
        const { directives } = yield* connect
        assert.strictEqual((yield* Queue.take(directives))._tag, "Deploy")
        problem = "no leader for 10 s"
        yield* TestClock.adjust("1 second")
        const goodbye = yield* Queue.take(directives)
        assert.deepInclude(goodbye, { _tag: "Goodbye", reason: "this master cannot serve: no leader for 10 s" })
        assert.isFalse(sessions.isAccepting())
        const refusal = yield* Effect.flip(connect)
        assert.deepInclude(refusal, { reason: "unavailable", permanent: false })
        problem = null
        yield* TestClock.adjust("1 second")
        yield* connect
      }).pipe(Effect.scoped, Effect.provide(master))
    })
  )
})
