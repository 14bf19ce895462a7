import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { startCluster } from "../../support/Cluster.ts"
import { until } from "../../support/Wait.ts"
import { startLink } from "./LinkUnderTest.ts"

const agentsMax = 9

/** Real masters, the agent's own link, and no nginx. */
describe("agents of a cluster of three", () => {
  it.live(
    "learn all masters from one, spread over the others when that is killed, and are never called offline meanwhile",
    () =>
      Effect.gen(function* () {
        const cluster = yield* startCluster([{}, {}, {}])
        const [first] = cluster.masters()
        const api = cluster.api(first!)
        const organization = yield* api.expect(201, "POST", "/api/v1/organizations", { name: "O", slug: "o" })
        const workspace = yield* api.expect(201, "POST", "/api/v1/workspaces", {
          organization_id: organization.id,
          name: "W",
          slug: "w"
        })
        const ports = [Number(new URL(first!.linkUrl).port)]
        const links = yield* Effect.forEach(
          Array.from({ length: agentsMax }, (_, index) => index),
          (index) =>
            Effect.gen(function* () {
              const { token } = yield* api.expect(201, "POST", "/api/v1/agents/register", {
                workspace_id: workspace.id,
                name: `agent-${index}`
              })
              return yield* startLink({ ports, token: token.token, fingerprint: token.ca_fingerprint })
            })
        )
        const urls = Effect.forEach(links, ({ link }) =>
          Effect.map(link.state, ({ phase, url }) => (phase === "READY" ? new URL(url ?? "").host : null))
        )
        const allReady = (timeoutMillis: number) =>
          until(urls, (each) => each.every((url) => url !== null), { fact: "all are connected", timeoutMillis })
        yield* allReady(20_000)
        // Each learned the others from the only master that it was told of.
        const known = yield* Effect.forEach(links, ({ identity }) =>
          Effect.map(identity.enrolled, (one) => one?.masters)
        )
        const linkHosts = cluster.masters().map(({ linkUrl }) => new URL(linkUrl).host)
        for (const masters of known) assert.sameMembers([...(masters ?? [])], linkHosts)

        const states = (name: string) =>
          Effect.map(
            cluster.api(cluster.masters().find((master) => master.name === name)!).expect(200, "GET", "/api/v1/agents"),
            (agents: ReadonlyArray<{ readonly state: string }>) => agents.map(({ state }) => state)
          )
        for (const { name } of cluster.masters()) {
          yield* until(states(name), (all) => all.every((state) => state === "Online"), {
            fact: `${name} knows that all are online`,
            timeoutMillis: 10_000
          })
        }

        yield* first!.kill
        yield* cluster.leader
        const left = cluster.masters().filter((master) => master !== first)
        let looks = 0
        const watched = yield* Effect.forkChild(
          Effect.forEach(left, ({ name }) =>
            Effect.map(states(name), (all) => all.filter((state) => state === "Offline"))
          ).pipe(
            Effect.tap((offline) =>
              Effect.sync(() => {
                looks++
                assert.deepStrictEqual(offline.flat(), [])
              })
            ),
            Effect.andThen(Effect.sleep("100 millis")),
            Effect.forever
          )
        )
        const moved = yield* until(
          urls,
          (each) => each.every((url) => url !== null && !ports.includes(Number(url.split(":")[1]))),
          { fact: "all are on other masters", timeoutMillis: 12_000 }
        )
        assert.strictEqual(new Set(moved).size, 2, "the agents of the lost master spread over both that are left")
        const enough = looks + 20
        yield* until(
          Effect.sync(() => looks),
          (seen) => seen >= enough || watched.pollUnsafe() !== undefined,
          { fact: "the agents were looked at many times more", timeoutMillis: 30_000 }
        )
        assert.isUndefined(watched.pollUnsafe())
      }).pipe(Effect.scoped),
    180_000
  )
})
