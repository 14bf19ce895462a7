/**
 * Reading the state. Every read sees each command whose submit has answered. Rows are read as they were written; the
 * certificates' keys stay sealed, and users keep their password's hash: what an answer may hold is the API's to say.
 */
import type {
  ActionId,
  AgentId,
  ApiKeyId,
  CertificateId,
  DeploymentId,
  EnrolmentTokenId,
  Generation,
  JoinTokenId,
  MasterId,
  ServiceAccountId,
  SessionId,
  UserId,
  WorkspaceId
} from "@nxmesh/protocol/Ids"
import type { Access, Scope } from "@nxmesh/protocol/model/Access"
import type { ActionRecord } from "@nxmesh/protocol/model/ActionRecord"
import type { EnrolmentToken } from "@nxmesh/protocol/model/Agent"
import type { ConfigVersion } from "@nxmesh/protocol/model/ConfigVersion"
import type { Deployment } from "@nxmesh/protocol/model/Deployment"
import type { JoinToken } from "@nxmesh/protocol/model/Master"
import type { Principal } from "@nxmesh/protocol/Principal"
import type { VersionedKind } from "@nxmesh/protocol/model/ResourceKind"
import { Context, Effect, Layer } from "effect"
import type { AuditRow } from "./apply/AuditChain.ts"
import { Database } from "./Database.ts"
import type { StateCheck } from "./digest/JudgeDigests.ts"
import type { ContentOf, Kind, ResourceOf } from "./Kinds.ts"
import { listable, type ListQuery } from "./Listable.ts"
import { listPage, listResources, type Page } from "./ReadLists.ts"
import { accessOf } from "./ReadAccess.ts"
import { scopeOfResource, scopeOfWorkspace } from "./ResourceScope.ts"
import * as Actions from "./ReadActions.ts"
import * as Checks from "./ReadChecks.ts"
import * as Cluster from "./ReadCluster.ts"
import * as Identities from "./ReadIdentities.ts"
import { type OpenSession, openSessions, userOfPasswordToken } from "./ReadSessions.ts"
import { apiKey, apiKeysOf, type StoredApiKey } from "./ReadServiceAccounts.ts"
import * as History from "./ReadHistory.ts"
import { storedSettings, type StoredSettings } from "./ReadSettings.ts"
import { findResource, findResourceBy, resourcesBy } from "./Resources.ts"
import { readAppliedIndex } from "./StateMachine.ts"

export class Reads extends Context.Service<
  Reads,
  {
    readonly get: <K extends Kind>(kind: K, id: string) => Effect.Effect<ResourceOf<K> | undefined>
    /** Dies on a sort or filter that `listable` does not name. */
    readonly list: <K extends Kind>(kind: K, query: ListQuery) => Effect.Effect<Page<ResourceOf<K>>>
    /** All of a kind, by id: for building a cache, not for answering a request. */
    readonly all: <K extends Kind>(kind: K) => Effect.Effect<ReadonlyArray<ResourceOf<K>>>
    readonly versions: (
      kind: VersionedKind,
      id: string,
      query: Pick<ListQuery, "page" | "perPage">
    ) => Effect.Effect<Page<ConfigVersion>>
    /** A certificate's snapshot comes without its key. */
    readonly version: (kind: VersionedKind, id: string, number: number) => Effect.Effect<ConfigVersion | undefined>
    /** With the sealed key, for a rollback. `undefined` also for the version that says it was deleted. */
    readonly certificateVersion: (
      id: CertificateId,
      number: number
    ) => Effect.Effect<ContentOf<"certificate"> | undefined>
    /** Number and checksum of the newest version. */
    readonly latestVersion: (
      kind: VersionedKind,
      id: string
    ) => Effect.Effect<{ readonly version_number: number; readonly checksum: string } | undefined>
    readonly deployments: (query: ListQuery) => Effect.Effect<Page<Deployment>>
    readonly deployment: (id: DeploymentId) => Effect.Effect<Deployment | undefined>
    readonly lastDeployment: (agentId: AgentId) => Effect.Effect<Deployment | undefined>
    /** How often each end was reported for the generation, and the manifest that its agents settled with. */
    readonly generation: (generation: Generation) => Effect.Effect<History.GenerationRecord | undefined>
    /** What the agent's last report said that nginx serves. */
    readonly servingGeneration: (agentId: AgentId) => Effect.Effect<Generation | undefined>
    readonly action: (id: ActionId) => Effect.Effect<ActionRecord | undefined>
    /** What people asked of the agent at once, the newest first. */
    readonly actions: (agentId: AgentId) => Effect.Effect<ReadonlyArray<ActionRecord>>
    /** Those that the agent has not answered, the oldest first. */
    readonly pendingActions: (agentId: AgentId) => Effect.Effect<ReadonlyArray<ActionRecord>>
    /** Whether a request of this principal under this key has its answer already. */
    readonly isAnswered: (principal: string, key: string, nowMillis: number) => Effect.Effect<boolean>
    /** What the principal may do, as the state has it. Whether the account stands is for the caller to ask. */
    readonly access: (principal: Principal) => Effect.Effect<Access>
    /** `undefined`: there is no such workspace. */
    readonly scopeOfWorkspace: (id: WorkspaceId) => Effect.Effect<Scope | undefined>
    readonly scopeOfResource: <K extends Kind>(kind: K, resource: ContentOf<K>) => Effect.Effect<Scope>
    readonly userByEmail: (email: string) => Effect.Effect<ResourceOf<"user"> | undefined>
    readonly session: (id: SessionId) => Effect.Effect<Identities.StoredSession | undefined>
    readonly loginFailures: (email: string) => Effect.Effect<ReadonlyArray<Identities.LoginFailures>>
    /** Whether or not the token has expired. */
    readonly userOfPasswordToken: (tokenHash: string) => Effect.Effect<ResourceOf<"user"> | undefined>
    /** Of the user, those that have not ended, the newest first. */
    readonly sessions: (userId: UserId, nowMillis: number) => Effect.Effect<ReadonlyArray<OpenSession>>
    /** `undefined` also before cluster version 4. */
    readonly apiKey: (id: ApiKeyId) => Effect.Effect<StoredApiKey | undefined>
    /** The newest first. */
    readonly apiKeys: (accountId: ServiceAccountId) => Effect.Effect<ReadonlyArray<StoredApiKey>>
    readonly enrolmentToken: (tokenHash: string) => Effect.Effect<EnrolmentToken | undefined>
    readonly enrolmentTokenById: (id: EnrolmentTokenId) => Effect.Effect<EnrolmentToken | undefined>
    readonly enrolmentTokens: (agentId: AgentId) => Effect.Effect<ReadonlyArray<EnrolmentToken>>
    readonly agentKeys: (agentId: AgentId) => Effect.Effect<Identities.AgentKeys | undefined>
    /** The newest first. */
    readonly signingKeys: Effect.Effect<Identities.StoredCluster["signing_keys"]>
    readonly cluster: Effect.Effect<Identities.StoredCluster | undefined>
    /** `undefined` before the cluster is initialised. */
    readonly clusterState: Effect.Effect<Cluster.ClusterState | undefined>
    /** Who should be a member, by id. */
    readonly masters: Effect.Effect<ReadonlyArray<ResourceOf<"master">>>
    /** True for one that was a member, and never can be again. */
    readonly isRemovedMaster: (id: MasterId) => Effect.Effect<boolean>
    /** What it was called that was removed. */
    readonly removedMasterName: (id: MasterId) => Effect.Effect<string | undefined>
    readonly joinToken: (tokenHash: string) => Effect.Effect<JoinToken | undefined>
    readonly joinTokenById: (id: JoinTokenId) => Effect.Effect<JoinToken | undefined>
    readonly joinTokens: Effect.Effect<ReadonlyArray<JoinToken>>
    readonly agentClaim: (agentId: AgentId) => Effect.Effect<Cluster.AgentClaim | undefined>
    /** Of every agent that a master holds: for filling a cache, not for answering a request. */
    readonly agentClaims: Effect.Effect<ReadonlyMap<AgentId, Cluster.AgentClaim>>
    /** The checks of the masters' states that are remembered, and what this master noted at the newest. */
    readonly stateChecks: Effect.Effect<{
      readonly checks: ReadonlyArray<StateCheck>
      readonly own: ReturnType<typeof Checks.ownCheck>
    }>
    readonly settings: Effect.Effect<StoredSettings>
    readonly appliedIndex: Effect.Effect<number>
    readonly audit: (query: ListQuery) => Effect.Effect<Page<AuditRow & { readonly hash: string }>>
  }
>()("@nxmesh/master/state/Reads") {
  static readonly layer = Layer.effect(
    Reads,
    Effect.gen(function* () {
      const { reader } = yield* Database
      return Reads.of({
        get: (kind, id) => Effect.sync(() => findResource(reader, kind, id)),
        list: (kind, query) => Effect.sync(() => listResources(reader, kind, query)),
        all: (kind) => Effect.sync(() => resourcesBy(reader, kind, {})),
        versions: (kind, id, query) => Effect.sync(() => History.versions(reader, kind, id, query)),
        version: (kind, id, number) => Effect.sync(() => History.version(reader, kind, id, number)),
        certificateVersion: (id, number) => Effect.sync(() => History.certificateVersion(reader, id, number)),
        latestVersion: (kind, id) => Effect.sync(() => History.latestVersion(reader, kind, id)),
        deployments: (query) =>
          Effect.sync(() => {
            const page = listPage<{ readonly data: string }>(
              reader,
              { table: "deployments", columns: "data", tieBreaker: "id", listing: listable.deployment },
              query
            )
            return { ...page, items: page.items.map(({ data }) => JSON.parse(data) as Deployment) }
          }),
        deployment: (id) => Effect.sync(() => History.deployment(reader, id)),
        lastDeployment: (agentId) => Effect.sync(() => History.lastDeployment(reader, agentId)),
        generation: (generation) => Effect.sync(() => History.generation(reader, generation)),
        servingGeneration: (agentId) => Effect.sync(() => History.servingGeneration(reader, agentId)),
        action: (id) => Effect.sync(() => Actions.action(reader, id)),
        actions: (agentId) => Effect.sync(() => Actions.actionsOf(reader, agentId)),
        pendingActions: (agentId) => Effect.sync(() => Actions.pendingActions(reader, agentId)),
        isAnswered: (principal, key, nowMillis) =>
          Effect.sync(() => Actions.isAnswered(reader, principal, key, nowMillis)),
        access: (principal) => Effect.sync(() => accessOf(reader, principal)),
        scopeOfWorkspace: (id) => Effect.sync(() => scopeOfWorkspace(reader, id)),
        scopeOfResource: (kind, resource) => Effect.sync(() => scopeOfResource(reader, kind, resource)),
        userByEmail: (email) => Effect.sync(() => findResourceBy(reader, "user", { email })),
        session: (id) => Effect.sync(() => Identities.session(reader, id)),
        loginFailures: (email) => Effect.sync(() => Identities.loginFailures(reader, email)),
        userOfPasswordToken: (hash) => Effect.sync(() => userOfPasswordToken(reader, hash)),
        sessions: (userId, nowMillis) => Effect.sync(() => openSessions(reader, userId, nowMillis)),
        apiKey: (id) => Effect.sync(() => apiKey(reader, id)),
        apiKeys: (accountId) => Effect.sync(() => apiKeysOf(reader, accountId)),
        enrolmentToken: (hash) => Effect.sync(() => Identities.enrolmentToken(reader, "token_hash", hash)),
        enrolmentTokenById: (id) => Effect.sync(() => Identities.enrolmentToken(reader, "id", id)),
        enrolmentTokens: (agentId) => Effect.sync(() => Identities.enrolmentTokens(reader, agentId)),
        agentKeys: (agentId) => Effect.sync(() => Identities.agentKeys(reader, agentId)),
        signingKeys: Effect.sync(() => Identities.signingKeys(reader)),
        cluster: Effect.sync(() => Identities.cluster(reader)),
        clusterState: Effect.sync(() => Cluster.clusterState(reader)),
        masters: Effect.sync(() => resourcesBy(reader, "master", {})),
        isRemovedMaster: (id) => Effect.sync(() => Cluster.isRemovedMaster(reader, id)),
        removedMasterName: (id) => Effect.sync(() => Cluster.removedMasterName(reader, id)),
        joinToken: (hash) => Effect.sync(() => Cluster.joinToken(reader, "token_hash", hash)),
        joinTokenById: (id) => Effect.sync(() => Cluster.joinToken(reader, "id", id)),
        joinTokens: Effect.sync(() => Cluster.joinTokens(reader)),
        agentClaim: (agentId) => Effect.sync(() => Cluster.agentClaim(reader, agentId)),
        agentClaims: Effect.sync(() => Cluster.agentClaims(reader)),
        stateChecks: Effect.sync(() => ({ checks: Checks.stateChecks(reader), own: Checks.ownCheck(reader) })),
        settings: Effect.sync(() => storedSettings(reader)),
        appliedIndex: Effect.sync(() => readAppliedIndex(reader)),
        audit: (query) =>
          Effect.sync(() =>
            listPage<AuditRow & { readonly hash: string }>(
              reader,
              { table: "audit", columns: "*", tieBreaker: "entry", listing: listable.audit },
              query
            )
          )
      })
    })
  )
}
