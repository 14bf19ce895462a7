/** A site that every agent serves: changed through any master, and visited all the time at each nginx. */
import { Effect, type Scope } from "effect"
import { get } from "node:http"
import { type FleetAgent, startAgent } from "../support/Fleet.ts"
import type { ClusterMaster, TestCluster } from "../support/Cluster.ts"
import type { TestHost } from "../support/Namespaces.ts"
import { until } from "../support/Wait.ts"
import type { ProbeCounts } from "./Judgement.ts"
import { ask } from "./Requests.ts"

export interface Sites {
  readonly agents: ReadonlyArray<FleetAgent>
  /** Changes the site now and then, and visits each nginx, until `stop`. */
  readonly run: Effect.Effect<void>
  readonly stop: () => void
  readonly probes: () => Readonly<Record<string, ProbeCounts>>
  /** Waits until every nginx serves what was acknowledged last, or something later, and every master says that it does. */
  readonly converged: Effect.Effect<void>
}

const siteName = "site.example"
const sitePort = 8088
const visitEveryMillis = 50
const visitTimeoutMillis = 2_000
const changeEveryMillis = 700
const changeTimeoutMillis = 3_000

const locations = (text: string) => [{ path: "/", return: { status: 200, text } }]

/** On a connection of its own, as a new visitor. The text, or why there was none. */
const visit = (host: TestHost): Promise<{ readonly text: string } | { readonly failure: string }> =>
  new Promise((resolve) => {
    const sent = get(
      { host: host.address, port: sitePort, agent: false, headers: { host: siteName }, timeout: visitTimeoutMillis },
      (response) => {
        let text = ""
        response.setEncoding("utf8")
        response.on("data", (chunk: string) => (text += chunk))
        response.on("error", (error) => resolve({ failure: error.message }))
        response.on("end", () =>
          resolve(response.statusCode === 200 ? { text } : { failure: `status ${response.statusCode}` })
        )
      }
    )
    sent.on("timeout", () => sent.destroy(new Error("timeout")))
    sent.on("error", (error) => resolve({ failure: error.message }))
  })

const prober = (host: TestHost, isOver: () => boolean) => {
  const reasons: Record<string, number> = {}
  const counts = { requests: 0, failures: 0, reasons }
  const step = Effect.gen(function* () {
    const seen = yield* Effect.promise(() => visit(host))
    counts.requests += 1
    if ("failure" in seen) {
      counts.failures += 1
      reasons[seen.failure] = (reasons[seen.failure] ?? 0) + 1
    }
    yield* Effect.sleep(visitEveryMillis)
  })
  return { counts, run: Effect.whileLoop({ while: () => !isOver(), body: () => step, step: () => undefined }) }
}

/** One site on agents that each have a host of their own. */
export const startSites = (
  cluster: TestCluster,
  workspaceId: string,
  hosts: ReadonlyArray<TestHost>
): Effect.Effect<Sites, never, Scope.Scope> =>
  Effect.gen(function* () {
    const first = cluster.masters()[0]!
    const api = cluster.api(first)
    const urls = cluster.masters().map(({ linkUrl }) => linkUrl)
    const agents = yield* Effect.forEach(
      hosts,
      ({ name, prefix }) =>
        startAgent(first, api, workspaceId, { name, prefix, environment: { NXMESH_MASTER_URL: urls.join(",") } }),
      { concurrency: "unbounded" }
    )
    let written = 0
    let acknowledged = 0
    const { id } = yield* api.expect(201, "POST", "/api/v1/virtual-hosts", {
      workspace_id: workspaceId,
      name: siteName,
      server_name: siteName,
      listen_port: sitePort,
      locations: locations("text 0")
    })
    /** Every change has a number that grows; a later one may be served whose answer was lost. */
    const serves = (host: TestHost, number: number) =>
      until(
        Effect.promise(() => visit(host)),
        (seen) => "text" in seen && Number(seen.text.split(" ")[1]) >= number,
        { fact: `the nginx on ${host.name} serves change ${number}`, timeoutMillis: 60_000, everyMillis: 50 }
      )
    yield* Effect.forEach(hosts, (host) => serves(host, 0), { concurrency: "unbounded" })

    let isOver = false
    const probers = hosts.map((host) => prober(host, () => isOver))
    const change = Effect.gen(function* () {
      const number = ++written
      const masters = cluster.masters()
      const told = yield* Effect.promise(() =>
        ask({
          method: "PATCH",
          url: `${masters[number % masters.length]!.origin}/api/v1/virtual-hosts/${id}`,
          token: cluster.token(),
          body: { locations: locations(`text ${number}`) },
          timeoutMillis: changeTimeoutMillis
        })
      )
      if (told.kind === "told" && told.status === 200) acknowledged = number
      yield* Effect.sleep(changeEveryMillis)
    })
    const changes = Effect.whileLoop({ while: () => !isOver, body: () => change, step: () => undefined })

    const reported = (masters: ReadonlyArray<ClusterMaster>) =>
      Effect.forEach(
        masters,
        (master) =>
          Effect.forEach(agents, (agent) =>
            until(
              cluster.api(master).request("GET", `/api/v1/agents/${agent.id}`),
              ({ body, status }) =>
                status === 200 &&
                body.data.state === "Online" &&
                body.data.serving_generation !== null &&
                body.data.desired_generation === body.data.serving_generation,
              { fact: `${master.name} sees agent ${agent.id} on the right generation`, timeoutMillis: 60_000 }
            )
          ),
        { discard: true }
      )
    return {
      agents,
      run: Effect.all([changes, ...probers.map(({ run }) => run)], { concurrency: "unbounded", discard: true }),
      stop: () => (isOver = true),
      probes: () => Object.fromEntries(probers.map(({ counts }, at) => [hosts[at]!.name, counts])),
      converged: Effect.suspend(() =>
        Effect.forEach(hosts, (host) => serves(host, acknowledged), { concurrency: "unbounded", discard: true })
      ).pipe(Effect.andThen(Effect.suspend(() => reported(cluster.masters()))))
    }
  })
