// From a request to nginx settled on its change, for 1, 100, 1,000 and 5,000 virtual hosts, plain and TLS, beside the bare floor
// (`nginx -t`, HUP, settled) on the same nginx and the same tree, alternating in one run.
//
//   npm run bench change-to-serving -- --hosts 1,100 --rounds 20 --plain

import { Effect, type Scope } from "effect"
import { parseArgs } from "node:util"
import type { Api } from "../test/support/Api.ts"
import { makeCertificates, type KeyPair } from "./Certificates.ts"
import { bareReload, firstAnswer, now, settled, type Site, workersOf } from "./Reload.ts"
import { residentKibibytes } from "./cluster/ProcessUse.ts"
import { millis, p50, percentile, table } from "./Statistics.ts"
import { converged, startAgent, startMaster, workspace } from "../test/support/Fleet.ts"
import { freePort } from "../test/support/FreePort.ts"
import { masterOf } from "../test/support/NginxWorkers.ts"

const { values } = parseArgs({
  options: {
    hosts: { type: "string", default: "1,100,1000,5000" },
    rounds: { type: "string" },
    plain: { type: "boolean", default: false },
    tls: { type: "boolean", default: false }
  }
})
const hostCounts = values.hosts.split(",").map(Number)
const kinds = values.plain === values.tls ? [false, true] : [values.tls]
const roundsFor = (hosts: number) => Number(values.rounds ?? (hosts <= 100 ? 20 : hosts <= 1_000 ? 8 : 4))

/** Changes are spaced, so that none waits for the one before. */
const spacing = Effect.sleep("300 millis")

interface Round {
  /** Request sent → answered: in the log, on disk, applied. */
  readonly accepted: number
  /** Request sent → a fresh connection gets the change. */
  readonly serving: number
  /** Request sent → no older worker takes connections. */
  readonly settled: number
  readonly floor: number
  readonly floorTest: number
}

const hostName = (index: number) => `h${index}.bench.example`
const locations = (text: string) => [{ path: "/", return: { status: 200, text } }]

/** Creates the hosts before the agent starts: it finds them all in its first bundle. */
const createHosts = (api: Api, workspaceId: string, site: Site, pairs: ReadonlyArray<KeyPair>, count: number) =>
  Effect.forEach(
    Array.from({ length: count }, (_, index) => index),
    (index) =>
      Effect.gen(function* () {
        const pair = pairs[index]
        const certificate =
          pair === undefined
            ? null
            : yield* api.expect(201, "POST", "/api/v1/certificates", {
                workspace_id: workspaceId,
                name: hostName(index),
                certificate_pem: pair.certificate,
                private_key_pem: pair.key
              })
        const host = yield* api.expect(201, "POST", "/api/v1/virtual-hosts", {
          workspace_id: workspaceId,
          name: hostName(index),
          server_name: hostName(index),
          listen_port: site.port,
          ssl_enabled: certificate !== null,
          ssl_certificate_id: certificate?.id ?? null,
          locations: locations(`start ${index}`)
        })
        return host.id as string
      }),
    { concurrency: 16 }
  )

interface Measured {
  readonly rounds: ReadonlyArray<Round>
  /** Of the agent, after the last round. */
  readonly residentKibibytes: number
  /** Of nginx's master, which holds the configuration. */
  readonly nginxKibibytes: number
}

const measure = (count: number, tls: boolean): Effect.Effect<Measured, never, Scope.Scope> =>
  Effect.gen(function* () {
    const master = yield* startMaster()
    const api = yield* master.admin
    const workspaceId = yield* workspace(api)
    const site: Site = { port: yield* freePort, host: hostName(0), tls }
    const pairs = tls ? yield* makeCertificates(Array.from({ length: count }, (_, index) => hostName(index))) : []
    const [first] = yield* createHosts(api, workspaceId, site, pairs, count)
    const agent = yield* startAgent(master, api, workspaceId)
    const caughtUp = converged(api, agent.id, 180_000)
    yield* caughtUp
    const nginx = masterOf(agent.pidFile)
    const rounds: Array<Round> = []
    for (let round = 0; round < roundsFor(count); round++) {
      yield* spacing
      const before = workersOf(nginx)
      const sentAt = yield* now
      yield* api.expect(200, "PATCH", `/api/v1/virtual-hosts/${first}`, { locations: locations(`round ${round}`) })
      const acceptedAt = yield* now
      const [servingAt, settledAt] = yield* Effect.all([firstAnswer(site, `round ${round}`), settled(nginx, before)], {
        concurrency: "unbounded"
      })
      yield* caughtUp
      yield* spacing
      const floor = yield* bareReload(nginx)
      rounds.push({
        accepted: acceptedAt - sentAt,
        serving: servingAt - sentAt,
        settled: Math.max(servingAt, settledAt) - sentAt,
        floor: floor.totalMillis,
        floorTest: floor.testMillis
      })
    }
    return {
      rounds,
      residentKibibytes: residentKibibytes(agent.program().pid),
      nginxKibibytes: residentKibibytes(nginx)
    }
  })

const mebibytes = (kibibytes: number): string => `${Math.round(kibibytes / 1_024)} MiB`

const row = (count: number, tls: boolean, { rounds, ...memory }: Measured): ReadonlyArray<string> => {
  const of = (field: keyof Round) => rounds.map((round) => round[field])
  return [
    `${count} ${tls ? "TLS" : "plain"}`,
    String(rounds.length),
    millis(p50(of("accepted"))),
    millis(p50(of("serving"))),
    millis(p50(of("settled"))),
    millis(percentile(of("settled"), 0.99)),
    millis(p50(of("floor"))),
    millis(p50(of("floorTest"))),
    `${(p50(of("settled")) / p50(of("floor"))).toFixed(2)} ×`,
    mebibytes(memory.residentKibibytes),
    mebibytes(memory.nginxKibibytes)
  ]
}

const header = [
  "hosts",
  "rounds",
  "accepted",
  "serving",
  "settled p50",
  "p99",
  "floor p50",
  "of it -t",
  "ratio",
  "agent",
  "nginx"
]

const main = Effect.gen(function* () {
  const rows: Array<ReadonlyArray<string>> = [header]
  for (const tls of kinds) {
    for (const count of hostCounts) {
      rows.push(row(count, tls, yield* Effect.scoped(measure(count, tls))))
      process.stdout.write(`${table([header, rows.at(-1)!])}\n\n`)
    }
  }
  process.stdout.write(
    `${table(rows)}\n\nAll times from the moment the request was sent. Goal at 100 hosts: ratio ≤ 1.5.\n`
  )
})

await Effect.runPromise(main)
