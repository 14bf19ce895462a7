/** Agents of a cluster whose masters do not reach each other: the agent's own link, real masters, a network that is cut. */
import { Identity } from "@nxmesh/agent/link/Identity"
import { Link } from "@nxmesh/agent/link/Link"
import type { Task } from "@nxmesh/agent/link/LinkHandlers"
import { LinkSettings } from "@nxmesh/agent/link/LinkSettings"
import { Outcomes } from "@nxmesh/agent/link/Outcomes"
import { compareOrder } from "@nxmesh/protocol/link/Directive"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Redacted, Stream } from "effect"
import { join } from "node:path"
import type { Api } from "../support/Api.ts"
import { type ClusterMaster, startCluster, type TestCluster } from "../support/Cluster.ts"
import { temporaryDirectory, workspace } from "../support/Fleet.ts"
import { canUseNamespaces, type TestHost, type TestNetwork, testNetwork } from "../support/Namespaces.ts"
import { plainOutcome } from "../support/Resources.ts"
import { until } from "../support/Wait.ts"
import { withoutNginx } from "../support/WithoutNginx.ts"
import { facts } from "../integration/link/RawAgent.ts"

const timeoutMillis = 300_000
const patienceMillis = 90_000
/** So many that some of each master's rank any other second. */
const agentCount = 24

const health = {
  timestamp: "2026-03-02T14:30:00.000Z",
  nginx_status: { is_running: true, pid: 1, uptime_seconds: 1, active_connections: 1, requests_per_second: 0 },
  system_metrics: { cpu_percent: 1, memory_used_mb: 1, memory_total_mb: 2, disk_used_gb: 1, disk_total_gb: 2 },
  config_checksum: null,
  alerts: []
}

/** Takes what it is told at once, remembers all of it, and says honestly what it has seen. */
const startAgent = (directory: string, urls: ReadonlyArray<string>, token: string, fingerprint: string) =>
  Effect.gen(function* () {
    const settings = LinkSettings.of({ urls, token: Redacted.make(token), caFingerprint: fingerprint })
    const context = yield* Layer.build(
      Link.layer.pipe(
        Layer.provideMerge(
          Layer.mergeAll(Identity.layer(directory), Outcomes.layer, Layer.succeed(LinkSettings, settings))
        ),
        Layer.fresh
      )
    ).pipe(Effect.orDie)
    const link = Context.get(context, Link)
    const outcomes = Context.get(context, Outcomes)
    const told: Array<Task> = []
    const serving = () => {
      const last = told.findLast((task) => task._tag === "Deploy")
      if (last?._tag !== "Deploy") return null
      return last.update._tag === "Full" ? last.update.bundle.generation : last.update.generation
    }
    yield* Effect.forkScoped(
      link.run({
        ...withoutNginx,
        registration: Effect.sync(() => ({ facts, highest_order: told.at(-1)?.order ?? null, serving: serving() })),
        have: Effect.succeed(null),
        task: (task) =>
          Effect.suspend(() => {
            told.push(task)
            const generation = serving()
            if (task._tag !== "Deploy" || generation === null) return Effect.void
            return outcomes.add({
              ...plainOutcome,
              id: task.deployment_id,
              generation,
              serving_generation: generation
            })
          }),
        health: () => Stream.concat(Stream.make(health), Stream.never)
      })
    )
    return { at: Effect.map(link.state, ({ phase, url }) => (phase === "READY" ? url : null)), serving, told }
  })
type TestAgent = Effect.Success<ReturnType<typeof startAgent>>

const urlOf = ({ linkUrl }: ClusterMaster) => `${linkUrl}/agents`

const startAgents = (cluster: TestCluster, api: Api, workspaceId: string) =>
  Effect.gen(function* () {
    const directory = yield* temporaryDirectory("agents")
    return yield* Effect.forEach(
      Array.from({ length: agentCount }, (_, at) => `agent-${at + 1}`),
      (name) =>
        Effect.gen(function* () {
          const body = { workspace_id: workspaceId, name, labels: {} }
          const { token } = yield* api.expect(201, "POST", "/api/v1/agents/register", body)
          const urls = cluster.masters().map(urlOf)
          return yield* startAgent(join(directory, name), urls, token.token, token.ca_fingerprint)
        }),
      { concurrency: 8 }
    )
  })

const places = (agents: ReadonlyArray<TestAgent>) => Effect.forEach(agents, ({ at }) => at)

const allServe = (agents: ReadonlyArray<TestAgent>, other: string | null) =>
  until(
    Effect.sync(() => new Set(agents.map((agent) => agent.serving()))),
    (serving) => serving.size === 1 && !serving.has(null) && !serving.has(other as never),
    { fact: "all serve one generation, and not the one of before", timeoutMillis: patienceMillis }
  )

const allAt = (agents: ReadonlyArray<TestAgent>, masters: ReadonlyArray<ClusterMaster>) => {
  const urls: ReadonlySet<string> = new Set(masters.map(urlOf))
  return until(places(agents), (at) => at.every((url) => url !== null && urls.has(url)), {
    fact: `the agents are connected to ${masters.map(({ name }) => name).join(" or ")}`,
    timeoutMillis: patienceMillis
  })
}

/** No directive is older than the one before it, and no generation comes back. */
const wentOnlyForward = ({ told }: TestAgent) => {
  const orders = told.map(({ order }) => order)
  for (const [at, order] of orders.entries()) {
    if (at > 0) assert.isAtLeast(compareOrder(order, orders[at - 1]!), 0, JSON.stringify(orders))
  }
  const generations = told.flatMap((task) => {
    if (task._tag !== "Deploy") return []
    return [task.update._tag === "Full" ? task.update.bundle.generation : task.update.generation]
  })
  const changes = generations.filter((generation, at) => generation !== generations[at - 1])
  assert.strictEqual(new Set(changes).size, changes.length, "a generation of before was sent again")
}

const isolate = (network: TestNetwork, one: TestHost, how: "cut" | "mend") =>
  Effect.forEach(
    network.hosts.filter((host) => host !== one),
    (other) => Effect.andThen(network[how](one, other), network[how](other, one)),
    { discard: true }
  )

const refusals = (master: ClusterMaster, reason: string) =>
  Effect.promise(async () => {
    const text = await (await fetch(`${master.origin}/metrics`)).text()
    const line = text.split("\n").find((each) => each.includes("refus") && each.includes(`reason="${reason}"`))
    return Number(line?.split(" ").at(-1) ?? 0)
  })

/** Three masters that can be cut off, agents of all of them, and a host that they serve. */
const world = Effect.gen(function* () {
  const network = yield* testNetwork(3)
  const cluster = yield* startCluster(network.hosts.map((host) => ({ host })))
  const leader = yield* cluster.leader
  const api = cluster.api(leader)
  const workspaceId = yield* workspace(api)
  const host = yield* api.expect(201, "POST", "/api/v1/virtual-hosts", {
    workspace_id: workspaceId,
    name: "site",
    server_name: "site.example",
    listen_port: 8080,
    locations: [{ path: "/", return: { status: 200, text: "old" } }]
  })
  const agents = yield* startAgents(cluster, api, workspaceId)
  yield* allAt(agents, cluster.masters())
  yield* allServe(agents, null)
  const change = api.expect(200, "PATCH", `/api/v1/virtual-hosts/${host.id}`, {
    locations: [{ path: "/", return: { status: 200, text: "new" } }]
  })
  /** The agents of a master, of which there are some. */
  const agentsOf = (master: ClusterMaster) =>
    Effect.map(places(agents), (at) => {
      const found = agents.filter((_, number) => at[number] === urlOf(master))
      assert.isNotEmpty(found)
      return found
    })
  const others = cluster.masters().filter((master) => master !== leader)
  return { network, cluster, leader, others, agents, agentsOf, change }
})

describe.skipIf(!canUseNamespaces())("agents of masters that do not reach each other", () => {
  it.live(
    "leave a master that lost its cluster, and have what was changed without it (rule 16)",
    () =>
      Effect.gen(function* () {
        const { agents, agentsOf, change, leader, network, others } = yield* world
        const [minority, ...majority] = others
        const stranded = yield* agentsOf(minority!)
        const before = agents[0]!.serving()
        yield* isolate(network, minority!.host!, "cut")
        yield* change
        yield* allAt(stranded, [leader, ...majority])
        yield* allServe(agents, before)
        yield* isolate(network, minority!.host!, "mend")
        agents.forEach(wentOnlyForward)
      }),
    timeoutMillis
  )

  it.live(
    "are never sent older configuration by a master that is behind what they have seen (rule 1)",
    () =>
      Effect.gen(function* () {
        const { agents, agentsOf, change, leader, network, others } = yield* world
        const [behind, other] = others
        const movers = yield* agentsOf(other!)
        const stranded = yield* agentsOf(behind!)
        const before = agents[0]!.serving()
        yield* isolate(network, behind!.host!, "cut")
        yield* change
        yield* allServe(
          agents.filter((agent) => !stranded.includes(agent)),
          before
        )
        yield* other!.kill
        // Some of them ask the master that is behind first; it waits for what they have seen, and sends them on.
        yield* until(refusals(behind!, "behind"), (count) => count > 0, {
          fact: "the master that is behind has refused an agent",
          timeoutMillis: patienceMillis,
          everyMillis: 50
        })
        yield* isolate(network, behind!.host!, "mend")
        yield* allAt(agents, [leader, behind!])
        yield* allServe(agents, before)
        agents.forEach(wentOnlyForward)
        assert.isNotEmpty(movers)
      }),
    timeoutMillis
  )
})
