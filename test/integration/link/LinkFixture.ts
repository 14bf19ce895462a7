/** A master's agent server on a free port, whose directory and sessions are kept in memory. */
import type { ActionOutcome } from "@nxmesh/protocol/model/AgentAction"
import { makeCertificateAuthority, issueServerCertificate } from "@nxmesh/core/crypto/CertificateAuthority"
import { certificateFingerprint } from "@nxmesh/core/crypto/Fingerprint"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { sha256Hex } from "@nxmesh/core/crypto/Sha256"
import { AgentDirectory } from "@nxmesh/master/link/AgentDirectory"
import { AgentGateway } from "@nxmesh/master/link/AgentGateway"
import { AgentServer } from "@nxmesh/master/link/AgentServer"
import { AgentServerSettings } from "@nxmesh/master/link/AgentServerSettings"
import { allowedBy } from "@nxmesh/master/network/AddressSet"
import { LinkMetrics } from "@nxmesh/master/link/LinkMetrics"
import { TelemetryStore, TelemetryUnavailable } from "@nxmesh/master/telemetry/TelemetryStore"
import { AgentId, ClusterId, KeyId } from "@nxmesh/protocol/Ids"
import type { Directive } from "@nxmesh/protocol/link/Directive"
import { refused } from "@nxmesh/protocol/link/LinkRefused"
import type { OutboxBatch } from "@nxmesh/protocol/link/OutboxBatch"
import type { Registration } from "@nxmesh/protocol/link/Registration"
import type { DeploymentReport } from "@nxmesh/protocol/link/Report"
import type { HealthReport } from "@nxmesh/protocol/model/Health"
import { type Cause, Context, Effect, Layer, Queue, Redacted, Stream, SubscriptionRef } from "effect"

interface MemoryAgent {
  readonly id: AgentId
  readonly tokenHash: string
  publicKey: string | null
  keys: ReadonlyArray<{ readonly keyId: KeyId; readonly key: Uint8Array }>
}

/** What the tests look at and steer. */
export class World extends Context.Service<
  World,
  {
    readonly authorityFingerprint: string
    /** A new agent and its token. */
    readonly agent: Effect.Effect<{ readonly id: AgentId; readonly token: string }>
    readonly remove: (id: AgentId) => void
    readonly directives: (id: AgentId) => Queue.Queue<Directive>
    readonly registrations: Array<{ readonly agentId: AgentId; readonly registration: Registration }>
    readonly health: Array<HealthReport>
    readonly actions: Array<ActionOutcome>
    readonly deployments: Array<DeploymentReport>
    /** Batches of outboxes, each once. */
    readonly outbox: Array<OutboxBatch>
    /** From where agents may connect from here on; none: from everywhere. */
    readonly allowFrom: (blocks: ReadonlyArray<string>) => Effect.Effect<void>
    readonly refusals: Map<string, number>
    /** While true, neither outcomes nor reports of outboxes can be made durable. */
    full: boolean
  }
>()("test/World") {}

const clusterId = ClusterId.make("018f0000-0000-7000-8000-000000000001")

/** Directory, gateway and counters, in memory. */
export const memory = Layer.effectContext(
  Effect.gen(function* () {
    const identifiers = yield* Identifiers
    const authority = yield* makeCertificateAuthority("NxMesh test")
    const server = yield* issueServerCertificate(authority, { dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"] })
    const agents = new Map<string, MemoryAgent>()
    const queues = new Map<string, Queue.Queue<Directive>>()
    const refusals = new Map<string, number>()
    const newKey = Effect.gen(function* () {
      return { keyId: KeyId.make(yield* identifiers.uuid), key: yield* identifiers.randomBytes(32) }
    })
    const directives = (id: AgentId) => {
      const queue = queues.get(id) ?? Effect.runSync(Queue.bounded<Directive>(16))
      queues.set(id, queue)
      return queue
    }
    const wire = ({ key, keyId }: { readonly keyId: KeyId; readonly key: Uint8Array }) => ({
      key_id: keyId,
      session_key: Buffer.from(key).toString("base64")
    })
    const allowed = yield* SubscriptionRef.make(allowedBy([]))
    const world = World.of({
      allowFrom: (blocks) => SubscriptionRef.set(allowed, allowedBy(blocks)),
      authorityFingerprint: certificateFingerprint(authority.certificatePem),
      agent: Effect.gen(function* () {
        const id = AgentId.make(yield* identifiers.uuid)
        const token = Redacted.value(yield* identifiers.token(16))
        agents.set(id, { id, tokenHash: sha256Hex(token), publicKey: null, keys: [] })
        return { id, token }
      }),
      remove: (id) => void agents.delete(id),
      directives,
      registrations: [],
      health: [],
      actions: [],
      deployments: [],
      outbox: [],
      refusals,
      full: false
    })
    return Context.make(World, world).pipe(
      Context.add(AgentDirectory, {
        keys: (agentId) =>
          Effect.sync(() => {
            const agent = agents.get(agentId)
            return agent && new Map(agent.keys.map(({ key, keyId }) => [keyId, Redacted.make(key)]))
          }),
        enrol: Effect.fnUntraced(function* ({ public_key, token }) {
          const key = yield* newKey
          const agent = [...agents.values()].find(({ tokenHash }) => tokenHash === sha256Hex(token))
          if (agent === undefined || (agent.publicKey !== null && agent.publicKey !== public_key)) {
            return yield* refused("token_refused", "the token is unknown, used or expired")
          }
          agent.publicKey = public_key
          agent.keys = [key]
          return { agent_id: agent.id, cluster_id: clusterId, ...wire(key) }
        }),
        rotateKey: Effect.fnUntraced(function* (agentId) {
          const key = yield* newKey
          const agent = agents.get(agentId)!
          agent.keys = [key, ...agent.keys].slice(0, 2)
          return wire(key)
        })
      }),
      Context.add(AgentGateway, {
        connect: ({ agentId, registration }) =>
          Effect.gen(function* () {
            const scope = yield* Effect.scope
            world.registrations.push({ agentId, registration })
            const given = yield* Queue.unbounded<Directive, Cause.Done>()
            const give = Effect.flatMap(Queue.take(directives(agentId)), (directive) => Queue.offer(given, directive))
            return {
              clusterEpoch: 0,
              heartbeatSeconds: 30,
              directives: () => Effect.as(Effect.forkIn(Effect.forever(give), scope), given),
              dismiss: (reason) =>
                Queue.offer(given, { _tag: "Goodbye", reason }).pipe(Effect.andThen(Queue.end(given)), Effect.asVoid),
              reportDeployments: (report) =>
                world.full
                  ? Effect.fail(refused("unavailable", "the log is full"))
                  : Effect.sync(() => void world.deployments.push(report)),
              reportHealth: (report) => Effect.sync(() => void world.health.push(report)),
              reportAction: (outcome) => Effect.sync(() => void world.actions.push(outcome)),
              reportLogs: () => Effect.void,
              reportMetrics: () => Effect.void
            }
          }),
        bundle: () => Effect.fail(refused("unavailable", "no bundles here"))
      }),
      Context.add(TelemetryStore, {
        take: (_, batch) =>
          world.full
            ? Effect.suspend(() => {
                refusals.set("telemetry", (refusals.get("telemetry") ?? 0) + 1)
                return Effect.fail(new TelemetryUnavailable({ message: "the disk is full" }))
              })
            : Effect.sync(() => {
                world.outbox.push(batch)
                return { through: batch.entries.at(-1)?.sequence ?? 0 }
              }),
        note: () => Effect.void,
        record: () => Effect.void
      }),
      Context.add(LinkMetrics, {
        refused: (reason) => Effect.sync(() => void refusals.set(reason, (refusals.get(reason) ?? 0) + 1)),
        connections: () => Effect.void
      }),
      Context.add(AgentServerSettings, {
        host: "127.0.0.1",
        port: 0,
        masters: Effect.succeed([]),
        certificate: Effect.succeed({ ...server, authorityPem: authority.certificatePem }),
        renewals: Stream.never,
        allowed: { initial: SubscriptionRef.get(allowed), changes: SubscriptionRef.changes(allowed) }
      })
    )
  })
).pipe(Layer.provide(Identifiers.layer))

/** The server and what is behind it. */
export const MasterLayer = AgentServer.layer.pipe(Layer.provideMerge(memory))
