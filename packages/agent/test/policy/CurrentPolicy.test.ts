import { assert, describe, it } from "@effect/vitest"
import { agentPolicyDefault, effectivePolicy } from "@nxmesh/protocol/model/AgentPolicy"
import { Effect } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { temporaryDirectory } from "../../../../test/support/Fleet.ts"
import { CurrentPolicy } from "../../src/policy/CurrentPolicy.ts"

const at = <A, E>(directory: string, effect: Effect.Effect<A, E, CurrentPolicy>) =>
  Effect.provide(effect, CurrentPolicy.layer(directory), { local: true })
const held = Effect.flatMap(CurrentPolicy, (policy) => policy.get)

describe("The policy of an agent", () => {
  it.effect("goes by what the masters said last, also after a restart without one", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory("policy")
      assert.deepStrictEqual(yield* at(directory, held), agentPolicyDefault)
      const said = { ...agentPolicyDefault, drift: "alert" as const }
      yield* at(
        directory,
        Effect.flatMap(CurrentPolicy, (policy) => policy.set(said))
      )
      assert.deepStrictEqual(yield* at(directory, held), said)
    })
  )

  it.effect("goes by the default when the file is damaged", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory("policy")
      writeFileSync(join(directory, "policy.json"), "{")
      assert.deepStrictEqual(yield* at(directory, held), agentPolicyDefault)
    })
  )

  it("is the agent's own choice, then its workspace's, then the default", () => {
    const policy = effectivePolicy({ drift: "alert", bad_object: "isolate" }, { drift: "accept" })
    assert.deepStrictEqual(policy, { ...agentPolicyDefault, drift: "accept", bad_object: "isolate" })
  })
})
