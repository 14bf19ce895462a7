/**
 * One change among 5,000 virtual hosts, on one master with 2,000 connected agents: from the request to the directive
 * that each session hands out, on a real log and database. Sockets and encoding come on top: the link's own numbers.
 */
import { performance } from "node:perf_hooks"
import type { BundleUpdate } from "@nxmesh/protocol/model/BundleUpdate"
import { spokenVersions } from "@nxmesh/protocol/link/LinkVersion"
import type { DeploymentOutcome } from "@nxmesh/protocol/model/Deployment"
import { AgentSessions } from "@nxmesh/master/agents/AgentSessions"
import { Deferred, Effect, Layer, Stream } from "effect"
import { agentId } from "../packages/master/test/config/Fixtures.ts"
import { engineLayer } from "../packages/master/test/config/TestEngine.ts"
import { saveAgent, saveHost, submit, temporaryDirectory, tenant } from "../packages/master/test/state/TestMaster.ts"
import { plainOutcome } from "../test/support/Resources.ts"
import { millis, p50, percentile } from "./Statistics.ts"

const agentsMax = 2_000
const hostsMax = 5_000
const rounds = 10

const generationOf = (update: BundleUpdate) => (update._tag === "Full" ? update.bundle.generation : update.generation)

/** Each round waits until every agent has its directive and every outcome is recorded. */
class Round {
  readonly started = performance.now()
  readonly times: Array<number> = []
  readonly done = Deferred.makeUnsafe<void>()
  recorded = 0
}
let round = new Round()

const settled = (id: DeploymentOutcome["id"], update: BundleUpdate): DeploymentOutcome => ({
  ...plainOutcome,
  id,
  generation: generationOf(update),
  serving_generation: generationOf(update)
})

const connect = Effect.fnUntraced(function* (number: number) {
  const connection = yield* (yield* AgentSessions).connect({
    agentId: agentId(number),
    remoteAddress: "192.0.2.1",
    protocol: spokenVersions.newest,
    close: () => undefined,
    registration: {
      protocol: spokenVersions,
      facts: { hostname: "edge", version: "0", deployment_mode: "standalone", nginx: null, capabilities: [] },
      connection_epoch: 1,
      highest_order: null,
      serving: null
    }
  })
  yield* Stream.fromQueue(yield* connection.directives(null)).pipe(
    Stream.runForEach((directive) =>
      Effect.gen(function* () {
        if (directive._tag !== "Deploy") return
        round.times.push(performance.now() - round.started)
        yield* connection.reportDeployments({ outcomes: [settled(directive.deployment_id, directive.update)] })
        if (++round.recorded === agentsMax) yield* Deferred.succeed(round.done, undefined)
      })
    ),
    Effect.forkScoped
  )
})

const numbers = (max: number) => Array.from({ length: max }, (_, index) => index + 1)

const program = Effect.gen(function* () {
  yield* tenant
  yield* Effect.forEach(numbers(agentsMax).slice(1), (number) => submit(saveAgent(number)), {
    concurrency: 64,
    discard: true
  })
  yield* Effect.forEach(numbers(hostsMax), (number) => submit(saveHost(number)), { concurrency: 64, discard: true })
  yield* Effect.forEach(numbers(agentsMax), connect, { discard: true })
  yield* Deferred.await(round.done)

  const all: Array<number> = []
  for (let number = 0; number < rounds; number++) {
    round = new Round()
    yield* submit(saveHost(1, { gzip_enabled: number % 2 === 0 }, { mode: "update", if_match: null }))
    yield* Deferred.await(round.done)
    all.push(...round.times)
  }
  const line = `p50 ${millis(p50(all))}   p99 ${millis(percentile(all, 0.99))}   last ${millis(Math.max(...all))}`
  process.stdout.write(`change → directive at ${agentsMax} sessions, ${hostsMax} hosts, outcomes recorded: ${line}\n`)
})

await temporaryDirectory.pipe(
  Effect.flatMap((directory) =>
    program.pipe(Effect.scoped, Effect.provide(AgentSessions.layer.pipe(Layer.provideMerge(engineLayer(directory)))))
  ),
  Effect.scoped,
  Effect.runPromise
)
