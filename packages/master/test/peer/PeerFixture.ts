/**
 * A member that other masters and agents reach on a free port, over a real state. Raft's place is taken by a log of one
 * master; agents' sessions and Raft's status are stand-ins.
 */
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import {
  issueServerCertificate,
  type KeyedCertificate,
  makeCertificateAuthority,
  makePrivateKey
} from "@nxmesh/core/crypto/CertificateAuthority"
import { certificateFingerprint } from "@nxmesh/core/crypto/Fingerprint"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { sha256Hex } from "@nxmesh/core/crypto/Sha256"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { AgentId, ClusterId, KeyId, type MasterId, Sha256 } from "@nxmesh/protocol/Ids"
import { joinTokenText } from "@nxmesh/protocol/peer/Joining"
import type { PresenceAnswer } from "@nxmesh/protocol/peer/AgentMessage"
import { peerUnavailable } from "@nxmesh/protocol/peer/PeerRefused"
import type { PeerStatus } from "@nxmesh/protocol/peer/PeerStatus"
import { Context, Effect, Layer, Queue, Redacted, Stream } from "effect"
import { Cluster } from "../../src/cluster/Cluster.ts"
import { OwnStatus } from "../../src/cluster/OwnStatus.ts"
import { Commands } from "../../src/command/Commands.ts"
import { masterUri } from "../../src/consensus/CertificateNames.ts"
import { type MasterCertificate, NodeIdentity } from "../../src/consensus/NodeIdentity.ts"
import { AgentDirectory } from "../../src/link/AgentDirectory.ts"
import { AgentGateway } from "../../src/link/AgentGateway.ts"
import { TelemetryStore } from "../../src/telemetry/TelemetryStore.ts"
import { AgentServer } from "../../src/link/AgentServer.ts"
import { AgentServerSettings } from "../../src/link/AgentServerSettings.ts"
import { LinkMetrics } from "../../src/link/LinkMetrics.ts"
import { Admission } from "../../src/peer/Admission.ts"
import { AgentMessages } from "../../src/peer/AgentMessages.ts"
import { PeerServer } from "../../src/peer/PeerServer.ts"
import { Secrets } from "../../src/secrets/Secrets.ts"
import { Settings, type SettingsShape } from "../../src/Settings.ts"
import { Reads } from "../../src/state/Reads.ts"
import { description, initialise, joinTokenId, masterId } from "../state/TestCluster.ts"
import { masterLayer, sealed, submit, temporaryDirectory } from "../state/TestMaster.ts"
import { TelemetryGather } from "../../src/telemetry/TelemetryGather.ts"
import { TelemetryQueryFailed } from "../../src/telemetry/TelemetrySql.ts"

export const agentToken = "the token of the only agent"
export const clusterId = ClusterId.make("018f0000-0000-7000-8000-0000000000ac")
export const agentId = AgentId.make("018f0000-0000-7000-8000-0000000000aa")

export const statusOf = (id: MasterId): PeerStatus => ({
  id,
  role: "follower",
  term: 3,
  leader_id: null,
  commit_index: 7,
  last_index: 8,
  applied_index: 7,
  version: "0.1.0",
  problem: null,
  disk: { data_bytes: 1, state_bytes: 1, free_bytes: 1, total_bytes: 1 }
})

const privateFile = Effect.fnUntraced(function* (path: string, content: string | Uint8Array) {
  yield* Effect.promise(() => writeFile(path, content, { mode: 0o600 }))
  return path
})

/** What all masters of a test's cluster have in common. */
export const makeCommon = Effect.gen(function* () {
  const directory = yield* temporaryDirectory
  const authority = yield* makeCertificateAuthority("NxMesh test")
  return {
    directory,
    authority,
    fingerprint: certificateFingerprint(authority.certificatePem),
    keyFile: yield* privateFile(join(directory, "secrets.key"), Buffer.alloc(32, 7)),
    otherKeyFile: yield* privateFile(join(directory, "other.key"), Buffer.alloc(32, 8)),
    secretFile: yield* privateFile(join(directory, "secret"), `${"s".repeat(40)}\n`),
    otherSecretFile: yield* privateFile(join(directory, "other-secret"), "t".repeat(40))
  }
}).pipe(Effect.provide(Identifiers.layer))
export type Common = Effect.Success<typeof makeCommon>

/** The certificate of a master, for both directions. */
export const certificateOf = (authority: KeyedCertificate, uris: ReadonlyArray<string>) =>
  Effect.map(
    issueServerCertificate(authority, { dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"], uris }),
    (issued): MasterCertificate => ({ ...issued, authorityPem: authority.certificatePem })
  ).pipe(Effect.provide(Identifiers.layer))

export const identityLayer = (id: MasterId, certificate: MasterCertificate) =>
  Layer.mock(NodeIdentity)({
    nodeId: id,
    clusterId,
    founder: false,
    forming: null,
    mastersAtJoin: [],
    current: Effect.succeed(certificate),
    renewals: Stream.never
  })

const sessionKey = { key_id: KeyId.make("018f0000-0000-7000-8000-0000000000ab"), session_key: "AAAA" }

const layerAgents = Layer.mergeAll(
  Layer.mock(TelemetryStore)({}),
  Layer.mock(AgentGateway)({
    connect: () =>
      Effect.succeed({
        clusterEpoch: 1,
        heartbeatSeconds: 30,
        directives: () => Queue.unbounded<never>(),
        dismiss: () => Effect.void,
        reportDeployments: () => Effect.void,
        reportHealth: () => Effect.void,
        reportAction: () => Effect.void,
        reportLogs: () => Effect.void,
        reportMetrics: () => Effect.void
      })
  }),
  Layer.mock(AgentDirectory)({
    enrol: () =>
      Effect.succeed({
        agent_id: agentId,
        cluster_id: clusterId,
        ...sessionKey
      })
  }),
  LinkMetrics.layer
)

export const presence: PresenceAnswer = {
  incarnation: "one",
  sequence: 1,
  more: false,
  sessions: 1,
  accepting: true,
  agents: []
}

const layerMessages = Layer.succeed(AgentMessages, {
  handle: (id) => Effect.succeed({ _tag: id === agentId ? "Taken" : "NotConnected" }),
  presence: (_, from) =>
    from === masterId(2) ? Effect.succeed(presence) : Effect.fail(peerUnavailable("not_ready", "ask later"))
})

export interface MemberOptions {
  readonly number?: number
  /** Takes joins by the secret in `common.secretFile`. */
  readonly clusterSecret?: boolean
  /** Any that is free, when it is not given. */
  readonly port?: number
  /** What it shows in place of a certificate of its own. */
  readonly certificate?: MasterCertificate
}

/** Answers what it was asked. */
const layerTelemetryAnswers = Layer.mock(TelemetryGather)({
  respond: (tag, question) =>
    tag === "echo"
      ? Effect.succeed({ heard: question })
      : Effect.fail(new TelemetryQueryFailed({ reason: "Refused", message: `nobody answers ${tag}` }))
})

/** A member of the cluster that serves until the scope ends. */
export const startMember = Effect.fnUntraced(function* (common: Common, options: MemberOptions = {}) {
  const number = options.number ?? 1
  const id = masterId(number)
  const certificate = options.certificate ?? (yield* certificateOf(common.authority, [masterUri(id)]))
  const state = masterLayer(yield* temporaryDirectory)
  const ground = Layer.mergeAll(
    state,
    Secrets.layerAt({ keyFile: common.keyFile, create: false }),
    identityLayer(id, certificate),
    Layer.succeed(Cluster, {
      clusterId,
      authority: common.authority,
      authorityFingerprint: common.fingerprint
    }),
    Layer.succeed(Settings, {
      clusterSecretFile: options.clusterSecret === true ? common.secretFile : null
    } as SettingsShape),
    Layer.succeed(OwnStatus, { status: Effect.succeed(statusOf(id)) })
  )
  const peer = PeerServer.layer.pipe(
    Layer.provide([Admission.layer, layerMessages, layerTelemetryAnswers]),
    Layer.provideMerge(ground),
    Layer.provideMerge(Metrics.layer)
  )
  const settings = Layer.effect(
    AgentServerSettings,
    Effect.map(PeerServer, ({ handler }) => ({
      host: "127.0.0.1",
      port: options.port ?? 0,
      masters: Effect.succeed([]),
      certificate: Effect.succeed(certificate),
      renewals: Stream.never,
      peer: handler
    }))
  )
  const context = yield* Layer.build(
    AgentServer.layer.pipe(
      Layer.provide([settings, layerAgents]),
      Layer.provideMerge(peer),
      Layer.provideMerge(Identifiers.layer),
      Layer.fresh
    )
  )
  yield* submit(initialise(description(number))).pipe(Effect.provideContext(context))
  const metrics = Context.get(context, Metrics)
  return {
    id,
    port: Context.get(context, AgentServer).port,
    commands: Context.get(context, Commands),
    reads: Context.get(context, Reads),
    context,
    /** How often a request was refused for this reason. */
    refused: (reason: string) =>
      Effect.map(metrics.text, (text) =>
        Number(new RegExp(`nxmesh_master_peer_refused_total\\{reason="${reason}"\\} (\\d+)`).exec(text)?.[1] ?? 0)
      )
  }
})
export type Member = Effect.Success<ReturnType<typeof startMember>>

/** A join token of the member's cluster; its text. */
export const makeToken = Effect.fnUntraced(function* (
  { context }: Member,
  { fingerprint }: Common,
  number: number,
  expires_at = "2100-01-01T00:00:00.000Z"
) {
  const token = joinTokenText(fingerprint, `secret-of-the-token-number-${number}`)
  yield* submit({
    _tag: "CreateJoinToken",
    id: joinTokenId(number),
    token_hash: Sha256.make(sha256Hex(token)),
    expires_at,
    sealed_token: sealed("token")
  }).pipe(Effect.provideContext(context))
  return Redacted.make(token)
})

export const newPrivateKey = makePrivateKey
