/**
 * A cluster of three masters with agents and real nginx, under faults: clients read and write through any master, a site changes
 * and is visited, and afterwards everything must fit together. The same seed is the same schedule of faults; timing is the machine's.
 */
import { Effect, Fiber, type Scope } from "effect"
import { readdirSync } from "node:fs"
import type { Api } from "../support/Api.ts"
import type { ClusterMaster, TestCluster } from "../support/Cluster.ts"
import { workspace } from "../support/Fleet.ts"
import { testNetwork } from "../support/Namespaces.ts"
import { until } from "../support/Wait.ts"
import { startFaultyCluster } from "./FaultyCluster.ts"
import type { RunFacts } from "./Judgement.ts"
import { Nemesis } from "./Nemesis.ts"
import { judgeRegisters, read } from "./Registers.ts"
import { faultKinds, schedule } from "./Schedule.ts"
import type { FaultKind } from "./Schedule.ts"
import { startSites } from "./Sites.ts"
import { Workload } from "./Workload.ts"

/** What the masters found out themselves, once a second and by reading all of their states (rule 12). */
const divergences = (masters: ReadonlyArray<ClusterMaster>) =>
  Effect.gen(function* () {
    const metric = (text: string, name: string) => Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1])
    const texts = Effect.forEach(masters, ({ origin }) =>
      Effect.promise(async () => (await fetch(`${origin}/metrics`)).text())
    )
    const agreed = (all: ReadonlyArray<string>) => all.map((text) => metric(text, "nxmesh_cluster_state_agreed_index"))
    const before = Math.max(...agreed(yield* texts))
    const last = yield* until(texts, (all) => agreed(all).every((index) => index > before), {
      fact: "every master hears of another check of the states",
      timeoutMillis: 30_000,
      everyMillis: 200
    })
    return masters.flatMap(({ dataDirectory, name }, at) => [
      ...(metric(last[at] ?? "", "nxmesh_cluster_state_diverged") === 0 ? [] : [`${name} says that states differ`]),
      ...readdirSync(dataDirectory)
        .filter((entry) => entry.startsWith("diverged"))
        .map((entry) => `${name} was found to have another state: there is ${entry}`)
    ])
  })

export interface ChaosOptions {
  readonly seed: number
  /** Faults begin until then; the last one and the checks come on top. Each kind is tried once in any case. */
  readonly seconds: number
  /** On a slow machine faults go on until there were so many, for at most `slownessMax` times as long. */
  readonly operationsMin: number
  readonly clients: number
  readonly agents: number
  readonly kinds?: ReadonlyArray<FaultKind>
  readonly report: (line: string) => void
}

const masterCount = 3
const slownessMax = 3
const keysInUse = 12
/** Registers change over time, so that no history grows beyond what the checker decides. */
const keyLifeSeconds = 60
const thinkMillis = 15
const readTimeoutMillis = 10_000

const names = (count: number, prefix: string) => Array.from({ length: count }, (_, at) => `${prefix}-${at}`)

/** Registers, each written once. */
const makeRegisters = (api: Api, organizationId: string, count: number) =>
  Effect.forEach(
    names(count, "register"),
    (slug) => api.expect(201, "POST", "/api/v1/workspaces", { organization_id: organizationId, name: slug, slug }),
    { concurrency: 8 }
  ).pipe(Effect.map((made) => made.map(({ id, name }) => ({ id: id as string, name: name as string }))))

/** Every page of a list, as this master's own state has it. */
const listAt = (cluster: TestCluster, master: ClusterMaster, path: string) =>
  Effect.gen(function* () {
    const found: Array<Record<string, unknown>> = []
    for (let page = 1; ; page++) {
      const url = `${path}&per_page=100&page=${page}&consistency=stale`
      const { body, status } = yield* cluster.api(master).request("GET", url)
      if (status !== 200) return yield* Effect.die(new Error(`GET ${url}: ${status} ${JSON.stringify(body)}`))
      found.push(...body.data)
      if (found.length >= body.meta.total) return found
    }
  })

/** Whether every master holds the same workspaces, and each that was acknowledged exactly once. */
const compareStates = (cluster: TestCluster, organizationId: string, created: ReadonlySet<string>) =>
  Effect.gen(function* () {
    const problems: Array<string> = []
    const lists = yield* until(
      Effect.forEach(cluster.masters(), (master) =>
        listAt(cluster, master, `/api/v1/workspaces?organization_id=${organizationId}&sort=created_at`)
      ),
      (seen) => new Set(seen.map((list) => JSON.stringify(list))).size === 1,
      { fact: "every master holds the same workspaces", timeoutMillis: 30_000, everyMillis: 200 }
    )
    const slugs = (lists[0] ?? []).map(({ slug }) => String(slug))
    const unique = new Set(slugs)
    if (unique.size !== slugs.length) problems.push(`${slugs.length - unique.size} workspaces exist twice`)
    for (const slug of created)
      if (!unique.has(slug)) problems.push(`the creation of ${slug} was acknowledged and is lost`)
    return problems
  })

/** What the run works in: an organization of its own for registers, and the workspace of the sites. */
const prepare = (cluster: TestCluster, seconds: number) =>
  Effect.gen(function* () {
    const api = cluster.api(cluster.masters()[0]!)
    const { id } = yield* api.expect(201, "POST", "/api/v1/organizations", { name: "registers", slug: "registers" })
    const count = keysInUse * Math.ceil((seconds * slownessMax) / keyLifeSeconds)
    const registers = yield* makeRegisters(api, id, count)
    return { organizationId: id as string, registers, workspaceId: yield* workspace(api, "sites") }
  })

const keysAt = (registers: ReadonlyArray<{ readonly id: string }>, seconds: number): ReadonlyArray<string> => {
  const first = Math.floor(seconds / keyLifeSeconds) * keysInUse
  const inUse = registers.slice(first, first + keysInUse)
  return (inUse.length > 0 ? inUse : registers.slice(-keysInUse)).map(({ id }) => id)
}

export const chaosRun = (options: ChaosOptions): Effect.Effect<RunFacts, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { agents, report, seconds, seed } = options
    const kinds = options.kinds ?? faultKinds
    const network = yield* testNetwork(masterCount + agents)
    const target = yield* startFaultyCluster(network, network.hosts.slice(0, masterCount))
    const { cluster } = target
    report(`${masterCount} masters are one cluster`)
    const { organizationId, registers, workspaceId } = yield* prepare(cluster, seconds)
    const sites = yield* startSites(cluster, workspaceId, network.hosts.slice(masterCount))
    report(`${agents} agents serve the site; seed ${seed}`)

    const started = performance.now()
    const elapsed = () => (performance.now() - started) / 1_000
    const nemesis = new Nemesis(target, (line) => report(`${elapsed().toFixed(1).padStart(6)} s  ${line}`))
    const workload = new Workload({
      seed,
      clients: options.clients,
      thinkMillis,
      organizationId,
      keys: () => keysAt(registers, elapsed()),
      origins: () => cluster.masters().map(({ origin }) => origin),
      token: cluster.token,
      renewToken: cluster.renewToken,
      phase: () => nemesis.phase
    })
    // The checker has to know what stood in a register first.
    for (const { id, name } of registers) {
      workload.recorder.begin("prepare", { kind: "put", key: id, value: name })({
        kind: "answered",
        output: { kind: "put" }
      })
    }
    const watching = yield* Effect.forkScoped(nemesis.watch)
    const working = yield* Effect.forkScoped(Effect.all([workload.run, sites.run], { concurrency: "unbounded" }))
    const planned = schedule(seed, kinds)
    const isDone = (dealt: number): boolean =>
      dealt >= kinds.length &&
      elapsed() >= seconds &&
      (workload.recorder.total >= options.operationsMin + registers.length || elapsed() >= seconds * slownessMax)
    for (let dealt = 0; !isDone(dealt); dealt++) yield* nemesis.strike(planned.next().value)

    workload.stop()
    yield* cluster.settled()
    const diverged = yield* divergences(cluster.masters())
    report(diverged.length === 0 ? "the masters have the same state" : diverged.join("; "))
    yield* sites.converged
    sites.stop()
    yield* Fiber.join(working)
    yield* Fiber.interrupt(watching)
    const lasted = elapsed()
    report("healed; checking")
    yield* cluster.renewToken
    const ends = cluster.masters().flatMap(({ name, origin }) =>
      registers.map(({ id }) => ({
        client: `end-${name}`,
        origin,
        token: cluster.token(),
        key: id,
        timeoutMillis: readTimeoutMillis
      }))
    )
    yield* Effect.forEach(ends, (request) => Effect.promise(() => read(workload.recorder, request)), {
      concurrency: 4,
      discard: true
    })
    return {
      seed,
      seconds: lasted,
      faults: nemesis.faults,
      leaderChanges: nemesis.leaderChanges,
      operations: { calm: workload.calm, faulty: workload.faulty },
      verdict: judgeRegisters(workload.recorder),
      probes: sites.probes(),
      problems: [
        ...nemesis.problems,
        ...workload.problems,
        ...diverged,
        ...(yield* compareStates(cluster, organizationId, workload.created))
      ]
    }
  })
