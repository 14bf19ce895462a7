// One agent through many applies of a configuration that grows and shrinks: its resident memory, descriptors and processes, and
// nginx's, beside the number of applies; then how long the agent takes from its start to READY. A real master, agent and nginx.
//
//   npm run bench agent-soak
//   npm run bench agent-soak -- --applies 200 --hosts 100

import { Effect } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import { parseArgs } from "node:util"
import type { Api } from "../test/support/Api.ts"
import { converged, type FleetAgent, startAgent, startMaster, workspace } from "../test/support/Fleet.ts"
import { freePort } from "../test/support/FreePort.ts"
import { masterOf } from "../test/support/NginxWorkers.ts"
import { until } from "../test/support/Wait.ts"
import { residentKibibytes } from "./cluster/ProcessUse.ts"
import { millis, p50, table } from "./Statistics.ts"

const { values } = parseArgs({
  options: {
    applies: { type: "string", default: "1000" },
    /** At the most; there is always one. */
    hosts: { type: "string", default: "100" },
    restarts: { type: "string", default: "10" }
  }
})
const applies = Number(values.applies)
const hostsMax = Number(values.hosts)
const samples = 20

const mebibytes = (kibibytes: number): string => `${(kibibytes / 1_024).toFixed(1)} MiB`

const children = (pid: number): ReadonlyArray<number> =>
  readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number)
  )
const descriptors = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length

interface Sample {
  readonly applies: number
  readonly hosts: number
  readonly residentKibibytes: number
  readonly descriptors: number
  readonly children: number
  readonly nginxDescriptors: number
  readonly nginxWorkers: number
}

const sampleOf = (agent: FleetAgent, done: number, hosts: number): Sample => {
  const { pid } = agent.program()
  const nginx = masterOf(agent.pidFile)
  return {
    applies: done,
    hosts,
    residentKibibytes: residentKibibytes(pid),
    descriptors: descriptors(pid),
    children: children(pid).length,
    nginxDescriptors: descriptors(nginx),
    nginxWorkers: children(nginx).length
  }
}

const hostOf = (workspaceId: string, port: number, number: number, text: string) => ({
  workspace_id: workspaceId,
  name: `host-${number}`,
  server_name: `host-${number}.example`,
  listen_port: port,
  locations: [{ path: "/", return: { status: 200, text } }]
})

/** The one who asks, signed in anew from time to time: a token lasts a quarter of an hour. */
const renewed = (first: Api) => {
  let current = first
  return {
    now: () => current,
    renew: (next: Api) => {
      current = next
    }
  }
}

/** One change of many kinds in turn: a host more or less, and every third time the text of one. */
const changes = (api: () => Api, workspaceId: string, port: number) => {
  const hosts: Array<string> = []
  let growing = true
  let made = 0
  return {
    count: () => hosts.length,
    next: Effect.gen(function* () {
      made += 1
      if (hosts.length >= hostsMax) growing = false
      if (hosts.length <= 1) growing = true
      if (made % 3 === 0 && hosts[0] !== undefined) {
        yield* api().expect(200, "PATCH", `/api/v1/virtual-hosts/${hosts[0]}`, {
          locations: [{ path: "/", return: { status: 200, text: `change ${made}` } }]
        })
      } else if (growing) {
        const { id } = yield* api().expect(
          201,
          "POST",
          "/api/v1/virtual-hosts",
          hostOf(workspaceId, port, made, `made ${made}`)
        )
        hosts.push(id)
      } else {
        yield* api().expect(204, "DELETE", `/api/v1/virtual-hosts/${hosts.pop()}`)
      }
    })
  }
}

/** Milliseconds from the start of the process until it says that it is connected. */
const startToReady = (agent: FleetAgent) =>
  Effect.gen(function* () {
    yield* agent.program().end("SIGTERM")
    const since = performance.now()
    yield* agent.startAlone
    yield* until(
      Effect.sync(() => agent.program().output().includes("connected to the master")),
      (connected) => connected,
      { fact: "the agent is READY", timeoutMillis: 30_000, everyMillis: 5 }
    )
    return performance.now() - since
  })

const main = Effect.gen(function* () {
  const master = yield* startMaster()
  const api = renewed(yield* master.admin)
  const workspaceId = yield* workspace(api.now())
  const agent = yield* startAgent(master, api.now(), workspaceId)
  const port = yield* freePort
  const taken: Array<Sample> = []
  const change = changes(api.now, workspaceId, port)
  const times: Array<number> = []
  for (let done = 1; done <= applies; done++) {
    if (done % 500 === 0) api.renew(yield* master.admin)
    const since = performance.now()
    yield* change.next
    yield* converged(api.now(), agent.id)
    times.push(performance.now() - since)
    if (done % Math.max(1, Math.floor(applies / samples)) === 0) taken.push(sampleOf(agent, done, change.count()))
  }
  const starts: Array<number> = []
  for (let time = 0; time < Number(values.restarts); time++) starts.push(yield* startToReady(agent))
  process.stdout.write(
    `${table([
      ["applies", "hosts", "agent resident", "descriptors", "children", "nginx master's descriptors", "workers"],
      ...taken.map((one) => [
        String(one.applies),
        String(one.hosts),
        mebibytes(one.residentKibibytes),
        String(one.descriptors),
        String(one.children),
        String(one.nginxDescriptors),
        String(one.nginxWorkers)
      ])
    ])}\n\n` +
      `a change until the master knows that it settled: p50 ${millis(p50(times))}\n` +
      `start to READY, ${starts.length} times: p50 ${millis(p50(starts))}   worst ${millis(Math.max(...starts))}\n`
  )
})

await Effect.runPromise(Effect.scoped(main))
