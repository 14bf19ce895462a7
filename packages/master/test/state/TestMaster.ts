/** The write path on a real directory: log, state, commands and reads. And commands by short names. */
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import type { Command } from "@nxmesh/protocol/Command"
import { ActionId, ConfigVersionId, OrganizationId, type Sha256, UserId, type WorkspaceId } from "@nxmesh/protocol/Ids"
import type { ActionRequest } from "@nxmesh/protocol/model/ActionRecord"
import type { ActionOutcome, ActionStatus } from "@nxmesh/protocol/model/AgentAction"
import type { AgentPolicyChoice } from "@nxmesh/protocol/model/AgentPolicy"
import type { SealedSecret } from "@nxmesh/protocol/model/SealedSecret"
import type { Role } from "@nxmesh/protocol/model/Permission"
import type { Template } from "@nxmesh/protocol/model/Template"
import type { Upstream } from "@nxmesh/protocol/model/Upstream"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import type { Principal } from "@nxmesh/protocol/Principal"
import { Effect, Layer, type Scope } from "effect"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pid } from "node:process"
import { RaftNode } from "@nxmesh/raft/node/RaftNode"
import { type CommandError, CommandRejected, Commands, type SubmitRequest } from "../../src/command/Commands.ts"
import { WriteGate } from "../../src/command/WriteGate.ts"
import { unstamped } from "../../src/api/Unstamped.ts"
import { Database } from "../../src/state/Database.ts"
import { DataDirectory } from "../../src/state/DataDirectory.ts"
import { Events } from "../../src/state/Events.ts"
import { Reads } from "../../src/state/Reads.ts"
import { ReplicatedState } from "../../src/state/ReplicatedState.ts"
import { agentId, host, organization, template, upstream, uuid, workspace } from "../config/Fixtures.ts"
import { layerLocalRaft } from "./LocalRaft.ts"
import { layerLoneRaft, type LoneRaftSettings } from "./LoneRaft.ts"

/** Removed with the scope. */
export const temporaryDirectory: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "nxmesh-state-"))),
  (directory) => Effect.promise(() => rm(directory, { recursive: true, force: true }))
)

/** Over whichever Raft. */
const masterOver = (raft: Layer.Layer<RaftNode, unknown, ReplicatedState | DataDirectory>, directory: string) =>
  Commands.layer.pipe(
    Layer.provideMerge(raft),
    Layer.provideMerge(Layer.mergeAll(ReplicatedState.layer, Reads.layer, WriteGate.layer)),
    Layer.provideMerge(Layer.mergeAll(Database.layerNoDeps, Events.layer)),
    Layer.provide(DataDirectory.layerAt(directory)),
    Layer.provideMerge(Layer.mergeAll(Identifiers.layer, Metrics.layer))
  )

/** A master's state in this directory, in the place of Raft a log of its own that ends with it. Built anew, it is a restart. */
export const masterLayer = (directory: string) => masterOver(layerLocalRaft, directory)

/** The same with Raft as the only member, and its log on the disk. */
export const raftMasterLayer = (directory: string, over: LoneRaftSettings = {}) =>
  masterOver(layerLoneRaft(directory, over), directory)

/** Runs the test against a master in a directory of its own. */
export const onMaster = <A, E, R>(
  test: Effect.Effect<A, E, R>
): Effect.Effect<A, unknown, Exclude<R, MasterServices> | Scope.Scope> =>
  Effect.flatMap(temporaryDirectory, (directory) => Effect.provide(test, masterLayer(directory)))
export type MasterServices =
  | Commands
  | Reads
  | Events
  | Database
  | ReplicatedState
  | WriteGate
  | RaftNode
  | Identifiers
  | Metrics

export const system: Principal = { _tag: "System", component: "test" }

export const submit = (
  command: Command,
  request: Partial<Omit<SubmitRequest, "command">> = {}
): Effect.Effect<
  { readonly index: number; readonly replayed: boolean; readonly value: unknown },
  CommandRejected | CommandError,
  Commands
> => Commands.use((commands) => commands.submit({ principal: system, ...request, command }))

/** The rejection that the command gets. Dies when it is accepted. */
export const rejected = (command: Command, request: Partial<Omit<SubmitRequest, "command">> = {}) =>
  submit(command, request).pipe(
    Effect.flip,
    Effect.flatMap((error) => (error instanceof CommandRejected ? Effect.succeed(error.rejection) : Effect.die(error)))
  )

/** Unique among the processes of one test, too. */
let versions = pid * 1_000_000
const version = (summary = "") => ({
  version_id: ConfigVersionId.make(uuid(0xf, ++versions)),
  change_summary: summary,
  rollback_of: null
})
/** How a command saves: of what is not there yet, or of what is, at a revision or whatever it is. */
export interface Save {
  readonly mode: "create" | "update"
  readonly if_match: number | null
}
export const create = { mode: "create", if_match: null } as const
export const update = (if_match: number | null = null) => ({ mode: "update", if_match }) as const
export const saving = (save: Save = create, summary = "") => ({ ...save, ...version(summary) })

export const userId = (number: number) => UserId.make(uuid(8, number))
export const saveUser = (
  number: number,
  role: Role,
  save: Save = create,
  fields: { readonly disabled?: boolean; readonly email?: string } = {}
): Command => ({
  _tag: "SaveUser",
  ...save,
  user: {
    id: userId(number),
    email: `user-${number}@example.com`,
    name: `User ${number}`,
    role,
    disabled: false,
    password_hash: "$argon2id$planted-hash",
    ...fields
  }
})

/** An organization, a workspace and an agent, all number 1. */
export const tenant = Effect.gen(function* () {
  yield* submit(saveOrganization(1))
  yield* submit(saveWorkspace(1))
  yield* submit(saveAgent(1))
})

export const sealed = (text: string): SealedSecret => ({
  key_id: "0000000000000000",
  wrapped_key: "AAAA",
  nonce: "AAAA",
  ciphertext: Buffer.from(text).toString("base64")
})
export const hash = (digit: string): Sha256 => digit.repeat(64).slice(0, 64) as Sha256

export const saveOrganization = (
  number: number,
  save: Save = create,
  fields: { readonly name?: string; readonly slug?: string } = {}
): Command => ({
  _tag: "SaveOrganization",
  ...save,
  organization: {
    id: organization(number),
    name: `Organization ${number}`,
    slug: `organization-${number}`,
    settings: { cross_workspace_visibility: false },
    ...fields
  }
})

export const saveWorkspace = (number: number, organizationNumber = 1): Command => ({
  _tag: "SaveWorkspace",
  ...create,
  workspace: {
    id: workspace(number),
    organization_id: OrganizationId.make(organization(organizationNumber)),
    name: `Workspace ${number}`,
    slug: `workspace-${number}`
  }
})

export const saveAgent = (
  number: number,
  fields: {
    readonly workspace_id?: WorkspaceId
    readonly name?: string
    readonly labels?: Record<string, string>
    readonly maintenance?: boolean
    readonly policy?: AgentPolicyChoice
  } = {},
  save: Save = create
): Command => ({
  _tag: "SaveAgent",
  ...save,
  agent: {
    id: agentId(number),
    workspace_id: workspace(1),
    name: `agent-${number}`,
    labels: {},
    maintenance: false,
    reload_interval_seconds: 0,
    ...fields
  }
})

export const actionId = (number: number) => ActionId.make(uuid(13, number))

export const requestAction = (number: number, agent: number, request: ActionRequest): Command => ({
  _tag: "RequestAgentAction",
  id: actionId(number),
  agent_id: agentId(agent),
  request
})

export const actionOutcome = (number: number, status: ActionStatus): ActionOutcome => ({
  action_id: actionId(number),
  status,
  message: `it is ${status}`,
  started_at: "2026-03-02T14:30:00.000Z",
  finished_at: "2026-03-02T14:30:01.000Z",
  errors: []
})

export const recordAction = (number: number, agent: number, status: ActionStatus): Command => ({
  _tag: "RecordAgentAction",
  agent_id: agentId(agent),
  outcome: actionOutcome(number, status)
})

export const saveHost = (number: number, fields: Partial<VirtualHost> = {}, save: Save = create): Command => ({
  _tag: "SaveVirtualHost",
  ...saving(save),
  virtual_host: unstamped(host(number, fields))
})

export const saveUpstream = (number: number, fields: Partial<Upstream> = {}, save: Save = create): Command => ({
  _tag: "SaveUpstream",
  ...saving(save),
  upstream: unstamped(upstream(number, fields))
})

export const saveTemplate = (number: number, fields: Partial<Template> = {}, save: Save = create): Command => ({
  _tag: "SaveTemplate",
  ...saving(save),
  template: unstamped(template(number, fields))
})

export const removal = (if_match: number | null = null) => {
  const { change_summary, version_id } = version()
  return { if_match, change_summary, version_id }
}
