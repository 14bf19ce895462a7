import { assert, layer } from "@effect/vitest"
import { AgentServer } from "@nxmesh/master/link/AgentServer"
import { Clock, Effect } from "effect"
import { until } from "../../support/Wait.ts"
import { MasterLayer, World } from "./LinkFixture.ts"
import { startLink } from "./LinkUnderTest.ts"

/** The clock of a machine that is so many milliseconds ahead. */
const ahead = (live: Clock.Clock, millis: number): Clock.Clock =>
  Object.assign(Object.create(live) as Clock.Clock, {
    currentTimeMillisUnsafe: () => live.currentTimeMillisUnsafe() + millis,
    currentTimeMillis: Effect.map(live.currentTimeMillis, (now) => now + millis)
  })

layer(MasterLayer, { excludeTestServices: true })("an agent whose clock is wrong", (it) => {
  for (const minutes of [-60, 60]) {
    it.effect(`is told both clocks, ${minutes} minutes apart`, () =>
      Effect.gen(function* () {
        const world = yield* World
        const { port } = yield* AgentServer
        const { token } = yield* world.agent
        const live = yield* Clock.Clock
        const started = live.currentTimeMillisUnsafe()
        const { link } = yield* startLink({ ports: [port], token, fingerprint: world.authorityFingerprint }).pipe(
          Effect.provideService(Clock.Clock, ahead(live, minutes * 60_000))
        )
        const { detail } = yield* until(link.state, (state) => state.detail !== "", { fact: "it was refused" })
        const [own = "", master = ""] = detail.match(/\d{4}-\d\d-\d\dT[\d:.]+Z/g) ?? []
        const apart = (at: string, offsetMillis: number) => Math.abs(Date.parse(at) - started - offsetMillis)
        assert.isBelow(apart(master, 0), 30_000, detail)
        assert.isBelow(apart(own, minutes * 60_000), 30_000, detail)
        assert.include(detail, "compare the clocks")
      })
    )
  }
})
