/**
 * Many agents in one process, without nginx: lean ones (LeanAgent.ts), or each the agent's own link (TLS, enrolment, signed calls,
 * failover) with a data directory of its own. A deployment is taken at once, and reported as settled after as long as an nginx
 * would take.
 */
import { Identity } from "@nxmesh/agent/link/Identity"
import { Link } from "@nxmesh/agent/link/Link"
import type { LinkHandlers, Task } from "@nxmesh/agent/link/LinkHandlers"
import { LinkSettings } from "@nxmesh/agent/link/LinkSettings"
import { Outcomes } from "@nxmesh/agent/link/Outcomes"
import type { BundleUpdate } from "@nxmesh/protocol/model/BundleUpdate"
import type { Generation } from "@nxmesh/protocol/Ids"
import { Context, Effect, Layer, Redacted, Stream, type Scope } from "effect"
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { join } from "node:path"
import type { Api } from "../../test/support/Api.ts"
import type { TestCluster } from "../../test/support/Cluster.ts"
import { temporaryDirectory } from "../../test/support/Fleet.ts"
import { plainOutcome } from "../../test/support/Resources.ts"
import { until } from "../../test/support/Wait.ts"
import { withoutNginx } from "../../test/support/WithoutNginx.ts"
import { facts, health } from "./AgentFacts.ts"
import { LeanAgent } from "./LeanAgent.ts"

export interface HerdAgent {
  /** The master it is connected to; `null` while there is none. */
  readonly master: () => Effect.Effect<string | null>
  /** Monotonic milliseconds when it was last told to deploy. */
  readonly deployedAt: () => number
  /** When its newest connection became ready; 0 before the first. */
  readonly readyAt: () => number
  readonly generation: () => Generation | null
}

export interface Herd {
  readonly agents: ReadonlyArray<HerdAgent>
  /** Connected agents by the URL of their master. */
  readonly connected: Effect.Effect<ReadonlyMap<string, number>>
}

const generationOf = (update: BundleUpdate): Generation =>
  update._tag === "Full" ? update.bundle.generation : update.generation

const startAgent = (options: {
  readonly directory: string
  readonly urls: ReadonlyArray<string>
  readonly token: string
  readonly fingerprint: string
  readonly settleMillis: number
}): Effect.Effect<HerdAgent, never, Scope.Scope> =>
  Effect.gen(function* () {
    mkdirSync(options.directory, { recursive: true })
    const settings = LinkSettings.of({
      urls: options.urls,
      token: Redacted.make(options.token),
      caFingerprint: options.fingerprint
    })
    const context = yield* Layer.build(
      Link.layer.pipe(
        Layer.provideMerge(
          Layer.mergeAll(Identity.layer(options.directory), Outcomes.layer, Layer.succeed(LinkSettings, settings))
        ),
        Layer.fresh
      )
    ).pipe(Effect.orDie)
    const link = Context.get(context, Link)
    const outcomes = Context.get(context, Outcomes)
    let deployedAt = 0
    let readyAt = 0
    let order: Task["order"] | null = null
    let serving: Generation | null = null
    const task = (asked: Task) =>
      Effect.suspend(() => {
        order = asked.order
        if (asked._tag !== "Deploy") return Effect.void
        deployedAt = performance.now()
        serving = generationOf(asked.update)
        const settled = { ...plainOutcome, id: asked.deployment_id, generation: serving, serving_generation: serving }
        return Effect.sleep(options.settleMillis).pipe(Effect.andThen(outcomes.add(settled)))
      })
    const ready = Effect.sync(() => {
      readyAt = performance.now()
      return Stream.never
    })
    const handlers: LinkHandlers = {
      ...withoutNginx,
      registration: Effect.sync(() => ({ facts, highest_order: order, serving })),
      // Without one every deployment travels whole; its size is the same for every system that is compared.
      have: Effect.succeed(null),
      task,
      // One, because a link is ready once its first report was answered; the next is asked for after that.
      health: () => Stream.concat(Stream.make(health), Stream.unwrap(ready))
    }
    yield* Effect.forkScoped(link.run(handlers))
    return {
      master: () => Effect.map(link.state, ({ phase, url }) => (phase === "READY" ? url : null)),
      deployedAt: () => deployedAt,
      readyAt: () => readyAt,
      generation: () => serving
    }
  })

const startLeanAgent = (urls: ReadonlyArray<string>, token: string, settleMillis: number) =>
  Effect.acquireRelease(
    Effect.sync(() => new LeanAgent({ masters: urls.map((url) => new URL(url).host), token, settleMillis })),
    (agent) => Effect.sync(() => agent.end())
  ).pipe(
    Effect.map((agent): HerdAgent => ({
      master: () => Effect.sync(() => (agent.master === null ? null : `wss://${agent.master}/agents`)),
      deployedAt: () => agent.deployedAt,
      readyAt: () => agent.readyAt,
      generation: () => agent.generation
    }))
  )

const connectMillis = 120_000

/** In memory where that can be: real agents have a disk each, and would not wait for each other's. */
const herdDirectory = Effect.suspend(() =>
  existsSync("/dev/shm")
    ? Effect.acquireRelease(
        Effect.sync(() => mkdtempSync("/dev/shm/herd-")),
        (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
      )
    : temporaryDirectory("herd")
)

/** Agents that are on their way at once. What a fleet does when it returns all at once is measured apart. */
const startingMax = 64

export interface HerdOptions {
  /** The agent's own link costs the machine five times what a lean agent does. */
  readonly ownLink?: boolean
  readonly count: number
  /** How many there are already, which have the first names. */
  readonly after?: number
  /** How long an agent takes until what it was given is settled: for nginx to test it, to reload, and to be asked. */
  readonly settleMillis: number
}

const herdOf = (agents: ReadonlyArray<HerdAgent>): Herd => ({
  agents,
  connected: Effect.forEach(agents, ({ master }) => master()).pipe(
    Effect.map((masters) => {
      const counts = new Map<string, number>()
      for (const url of masters) if (url !== null) counts.set(url, (counts.get(url) ?? 0) + 1)
      return counts
    })
  )
})

export const together = (one: Herd, other: Herd): Herd => herdOf([...one.agents, ...other.agents])

/** Registers and starts so many agents, and waits until each was connected once. */
export const startHerd = (
  cluster: TestCluster,
  api: Api,
  workspaceId: string,
  { after = 0, count, ownLink = false, settleMillis }: HerdOptions
): Effect.Effect<Herd, never, Scope.Scope> =>
  Effect.gen(function* () {
    const directory = yield* herdDirectory
    const urls = cluster.masters().map(({ linkUrl }) => `${linkUrl}/agents`)
    const agents = yield* Effect.forEach(
      Array.from({ length: count }, (_, at) => `agent-${after + at + 1}`),
      (name) =>
        Effect.gen(function* () {
          const { token } = yield* api.expect(201, "POST", "/api/v1/agents/register", {
            workspace_id: workspaceId,
            name,
            labels: {}
          })
          const agent = yield* ownLink
            ? startAgent({
                directory: join(directory, name),
                urls,
                token: token.token,
                fingerprint: token.ca_fingerprint,
                settleMillis
              })
            : startLeanAgent(urls, token.token, settleMillis)
          yield* until(Effect.sync(agent.readyAt), (at) => at > 0, {
            fact: `${name} is connected`,
            timeoutMillis: connectMillis,
            everyMillis: 100
          })
          return agent
        }),
      { concurrency: startingMax }
    )
    return herdOf(agents)
  })

export const totalOf = (connected: ReadonlyMap<string, number>): number =>
  [...connected.values()].reduce((sum, count) => sum + count, 0)
