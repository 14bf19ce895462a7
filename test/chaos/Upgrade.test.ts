/**
 * Three masters of an older build become today's one by one, while changes and an agent with its nginx go on (rule 6).
 * With real processes: the older build is today's without what came after cluster version 1.
 */
import { assert, describe, it } from "@effect/vitest"
import { clusterVersions } from "@nxmesh/protocol/ClusterVersion"
import { Cause, Effect, Exit, Ref, Schedule } from "effect"
import { type ClusterMaster, startCluster, type TestCluster } from "../support/Cluster.ts"
import { converged, startAgent, workspace } from "../support/Fleet.ts"
import { masterOf, workers } from "../support/NginxWorkers.ts"
import { send } from "../support/Api.ts"
import { until } from "../support/Wait.ts"

const { highest } = clusterVersions
const older = "test/support/OlderMaster.ts"
const today = "packages/master/src/main.ts"

/** Makes organizations without end, at whichever master takes them; counts those that were acknowledged. */
const writing = (cluster: TestCluster, acknowledged: Ref.Ref<ReadonlyArray<string>>) => {
  let number = 0
  const write = Effect.gen(function* () {
    number += 1
    const slug = `written-${number}`
    const { origin } = cluster.masters()[number % cluster.masters().length]!
    const { status } = yield* send(
      `${origin}/api/v1/organizations`,
      "POST",
      { name: slug, slug },
      { authorization: `Bearer ${cluster.token()}` }
    ).pipe(Effect.timeout("5 seconds"))
    if (status === 201) yield* Ref.update(acknowledged, (all) => [...all, slug])
  })
  return Effect.ignoreCause(write).pipe(Effect.repeat(Schedule.spaced("50 millis")))
}

const clusterOf = (cluster: TestCluster, master: ClusterMaster) =>
  cluster.api(master).expect(200, "GET", "/api/v1/cluster?consistency=stale")

const versionAt = (cluster: TestCluster, master: ClusterMaster) =>
  Effect.map(clusterOf(cluster, master), ({ cluster_version }) => cluster_version as number)

/** What nginx would change at a reload, and the agent at a deployment. */
const serving = Effect.fnUntraced(function* (cluster: TestCluster, id: string, pidFile: string) {
  const api = cluster.api(yield* cluster.leader)
  const { desired_generation, serving_generation } = yield* api.expect(200, "GET", `/api/v1/agents/${id}`)
  const deployments = yield* api.expect(200, "GET", `/api/v1/deployments?agent_id=${id}`)
  return {
    desired_generation,
    serving_generation,
    deployments: deployments.length,
    workers: workers(masterOf(pidFile)).map(({ pid }) => pid)
  }
})

describe("a rolling upgrade (rule 6)", () => {
  it.live(
    "raises the cluster's version after the last master, with changes and agents going on, and lets no old build join then",
    () =>
      Effect.gen(function* () {
        const paths = [older, older, older]
        const cluster = yield* startCluster(paths.map((_, index) => ({ path: () => paths[index]! })))
        const first = yield* cluster.leader
        const api = cluster.api(first)
        const workspaceId = yield* workspace(api)
        const agent = yield* startAgent(first, api, workspaceId)
        yield* api.expect(201, "POST", "/api/v1/virtual-hosts", {
          workspace_id: workspaceId,
          name: "site",
          server_name: "site.example.com",
          listen_port: 18_080,
          locations: [{ path: "/", return: { status: 200, text: "here" } }]
        })
        yield* converged(api, agent.id)
        const before = yield* serving(cluster, agent.id, agent.pidFile)
        const acknowledged = yield* Ref.make<ReadonlyArray<string>>([])
        yield* Effect.forkScoped(writing(cluster, acknowledged))
        const written = Effect.map(Ref.get(acknowledged), ({ length }) => length)

        for (const [index, master] of cluster.masters().entries()) {
          const count = yield* written
          assert.strictEqual(yield* versionAt(cluster, master), 1)
          const other = cluster.masters()[(index + 1) % 3]!
          const { body, status } = yield* cluster.api(other).request("POST", "/api/v1/cluster/version", { version: 2 })
          assert.strictEqual(status, 422)
          assert.include(body.error?.message ?? JSON.stringify(body), master.name, "it names who holds it back")
          yield* master.stop
          paths[index] = today
          yield* master.start
          yield* master.ready
          yield* cluster.settled()
          assert.isAbove(yield* written, count, "changes went on meanwhile")
          if (index === 2) continue
          const { advice } = yield* clusterOf(cluster, master)
          assert.include(JSON.stringify(advice), "which runs 0.0.9 and knows versions up to 1")
        }

        for (const master of cluster.masters()) {
          yield* until(
            Effect.exit(versionAt(cluster, master)),
            (seen) => Exit.isSuccess(seen) && seen.value === highest,
            {
              fact: `${master.name} is at version ${highest}`,
              timeoutMillis: 120_000,
              everyMillis: 500
            }
          )
        }
        assert.deepStrictEqual(
          yield* serving(cluster, agent.id, agent.pidFile),
          before,
          "no agent deployed or reloaded"
        )

        const late = yield* Effect.exit(Effect.scoped(cluster.add({ path: () => older })))
        assert.isTrue(Exit.isFailure(late), "an old build joins no more")
        const said = Exit.isFailure(late) ? Cause.pretty(late.cause) : ""
        assert.include(said, `the cluster is at version ${highest}, and NxMesh 0.0.9 knows 1 to 1`)
        assert.include(said, "Install the version of NxMesh that the members run")

        const all = yield* Ref.get(acknowledged)
        const leader = cluster.api(yield* cluster.leader)
        const kept = new Set<string>()
        for (let page = 1; ; page++) {
          const found = yield* leader.expect(200, "GET", `/api/v1/organizations?per_page=100&page=${page}`)
          if (found.length === 0) break
          for (const { slug } of found) kept.add(slug)
        }
        assert.deepStrictEqual(
          all.filter((slug) => !kept.has(slug)),
          [],
          "nothing that was acknowledged is lost"
        )
      }),
    400_000
  )
})
