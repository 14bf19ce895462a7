/** Law: the state is a function of the log. Method: random commands, then the same log replayed into an empty state. */
import { assert, describe, it } from "@effect/vitest"
import { SeededRandom } from "@nxmesh/raft/testing/SeededRandom"
import type { Command } from "@nxmesh/protocol/Command"
import type { ActionRequest } from "@nxmesh/protocol/model/ActionRecord"
import { ClusterId, DeploymentId, Generation, SessionId } from "@nxmesh/protocol/Ids"
import type { Principal } from "@nxmesh/protocol/Principal"
import { Effect, Exit } from "effect"
import { rm } from "node:fs/promises"
import { join } from "node:path"
import { Commands } from "../../src/command/Commands.ts"
import { Database } from "../../src/state/Database.ts"
import { fullDigest, stateDigest } from "../../src/state/digest/StateDigest.ts"
import {
  agentId,
  host,
  hostId,
  labelled,
  location,
  only,
  organization,
  upstream,
  upstreamId,
  uuid,
  workspace
} from "../config/Fixtures.ts"
import { admit, createJoinToken, description, initialise, masterId, withToken } from "./TestCluster.ts"
import {
  create,
  hash,
  raftMasterLayer,
  recordAction,
  removal,
  requestAction,
  saveAgent,
  saveHost,
  saveOrganization,
  saveUpstream,
  saveUser,
  saveWorkspace,
  sealed,
  submit,
  temporaryDirectory,
  tenant,
  update,
  userId
} from "./TestMaster.ts"
import { plainOutcome } from "../../../../test/support/Resources.ts"

const versions = { cluster_versions: { lowest: 1, highest: 3 } }

const requests: ReadonlyArray<ActionRequest> = [
  { action: "stop" },
  { action: "start" },
  { action: "reload" },
  { action: "maintenance_on", reason: null },
  { action: "maintenance_off" },
  { action: "rollback", deployment_id: DeploymentId.make(uuid(12, 1)) }
]

const commandOf = (pick: (below: number) => number): Command => {
  const save = pick(2) === 0 ? create : update(pick(4) === 0 ? pick(60) + 1 : null)
  const number = pick(4) + 1
  const selector = [
    { scope: "global" } as const,
    { scope: "workspace" } as const,
    labelled({ tier: "a" }),
    only(number)
  ][pick(4)]
  const places = [
    location(),
    location({ return: null, upstream_id: upstreamId(number) }),
    location({ return: null, proxy_pass: `http://${upstream(number).name}/` })
  ]
  const commands: ReadonlyArray<() => Command> = [
    () => saveOrganization(number, save, { slug: `slug-${pick(3)}` }),
    () => ({ _tag: "DeleteOrganization", if_match: null, id: organization(number) }),
    () => saveWorkspace(number, pick(3) + 1),
    () => ({ _tag: "DeleteWorkspace", if_match: null, id: workspace(number) }),
    () =>
      saveAgent(
        number,
        {
          labels: pick(2) === 0 ? { tier: "a" } : {},
          workspace_id: workspace(pick(2) + 1),
          ...(pick(3) === 0 ? { policy: { drift: "alert" } as const } : {})
        },
        save
      ),
    () => requestAction(pick(8), number, requests[pick(requests.length)]!),
    () => recordAction(pick(8), number, (["done", "unchanged", "failed", "refused"] as const)[pick(4)] ?? "done"),
    () => ({ _tag: "DeleteAgent", if_match: null, id: agentId(number) }),
    () => saveUpstream(number, { name: `pool-${pick(3)}` }, save),
    () => ({ _tag: "DeleteUpstream", ...removal(), id: upstreamId(number) }),
    () =>
      saveHost(
        number,
        {
          server_name: `site-${pick(3)}.example.com`,
          enabled: pick(3) > 0,
          target_agents: selector ?? host(1).target_agents,
          locations: [places[pick(3)] ?? location()]
        },
        save
      ),
    () => ({ _tag: "DeleteVirtualHost", ...removal(), id: hostId(number) }),
    () => saveUser(number, pick(2) === 0 ? "admin" : "viewer", save, { disabled: pick(5) === 0 }),
    () => ({ _tag: "DeleteUser", if_match: null, id: userId(number) }),
    () => ({
      _tag: "StartSession",
      id: SessionId.make(uuid(9, pick(6))),
      user_id: userId(number),
      refresh_hash: hash(String(pick(3))),
      expires_at: "2100-01-01T00:00:00.000Z",
      remote_address: "192.0.2.1"
    }),
    () => ({
      _tag: "RotateSession",
      id: SessionId.make(uuid(9, pick(6))),
      refresh_hash: hash(String(pick(3))),
      next_refresh_hash: hash(String(pick(3))),
      sealed_next: sealed("next"),
      expires_at: "2100-01-01T00:00:00.000Z"
    }),
    () => ({ _tag: "RecordLoginFailure", email: `user-${number}@example.com`, remote_address: `192.0.2.${pick(3)}` }),
    () => ({ ...initialise(description(1, versions)), cluster_version: pick(4) === 0 ? 1 : 2 + pick(2) }) as Command,
    () => createJoinToken(number),
    () =>
      admit(number, {
        ...(pick(2) === 0 ? withToken(pick(3) + 1) : { public_key: `key-${pick(4)}` }),
        master: description(number, versions)
      }),
    () => ({ _tag: "DescribeMaster", master: description(number, { name: `m${pick(4)}`, ...versions }) }),
    () => ({ _tag: "SetClusterVersion", version: pick(3) + 1 }),
    () => ({ _tag: "SetMasterVoting", id: masterId(number), voter: pick(2) === 0 }),
    () => ({ _tag: "RemoveMaster", id: masterId(number) }),
    () => ({ _tag: "SetFreeze", frozen: pick(2) === 0, reason: "why" }),
    () => ({ _tag: "OpenEpoch", reason: "restored" }),
    () => ({
      _tag: "OpenEpoch",
      reason: "recovered",
      into: { cluster_id: ClusterId.make(uuid(0xc, number)), epoch: pick(20), master: description(number) }
    }),
    () => ({ _tag: "RecordBackup", master_id: masterId(number) }),
    () => ({ _tag: "CheckState" }),
    () => ({
      _tag: "ReportDigest",
      master_id: masterId(number),
      entry: pick(60) + 1,
      digest: hash(String(pick(2)))
    }),
    () => ({
      _tag: "ClaimAgents",
      master_id: masterId(number),
      incarnation: "i",
      claims: [{ agent_id: agentId(pick(4) + 1), connection_epoch: pick(3) }]
    }),
    () => ({
      _tag: "RecordDeployments",
      outcomes: [
        {
          agent_id: agentId(number),
          outcome: {
            ...plainOutcome,
            id: DeploymentId.make(uuid(12, pick(40))),
            generation: Generation.make(hash(String(pick(5)))),
            status: pick(2) === 0 ? "settled" : "failed"
          }
        }
      ]
    })
  ]
  return (commands[pick(commands.length)] ?? (() => saveOrganization(1)))()
}

/** Every row of every table, but for what says how Raft got there: a restart adds entries that are no commands. */
const dump = Effect.gen(function* () {
  const { reader } = yield* Database
  const tables = reader.all<{ readonly name: string }>(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'raft_%' ORDER BY name"
  )
  return tables.map(({ name }) => {
    const rows = name === "meta" ? "meta WHERE name NOT IN ('applied_index', 'applied_term', 'digest_index')" : name
    return [name, reader.all(`SELECT * FROM ${rows} ORDER BY 1, 2`)] as const
  })
})

/** Nothing refers to what is not there, every host has its keys, and the digest that was kept is that of all rows (rule 12). */
const consistent = Effect.gen(function* () {
  const { reader } = yield* Database
  for (const [kind, table] of [
    ["agent", "agents"],
    ["upstream", "upstreams"]
  ] as const) {
    assert.deepStrictEqual(
      reader.all(
        `SELECT * FROM resource_references WHERE to_kind = '${kind}' AND to_id NOT IN (SELECT id FROM ${table})`
      ),
      []
    )
  }
  assert.deepStrictEqual(
    reader.all("SELECT id FROM workspaces WHERE organization_id NOT IN (SELECT id FROM organizations)"),
    []
  )
  assert.deepStrictEqual(
    reader.all("SELECT id FROM virtual_hosts WHERE workspace_id NOT IN (SELECT id FROM workspaces)"),
    []
  )
  assert.deepStrictEqual(
    reader.all("SELECT id FROM virtual_hosts WHERE enabled <> (id IN (SELECT host_id FROM virtual_host_keys))"),
    []
  )
  assert.strictEqual(stateDigest(reader), fullDigest(reader))
  assert.deepStrictEqual(reader.all("SELECT count(*) AS defects FROM audit WHERE outcome = 'INTERNAL_ERROR'"), [
    { defects: 0 }
  ])
})

describe("the state is a function of the log", () => {
  it.live.each([1, 20, 300, 4_000, 50_000, 600_000])(
    "replayed into an empty state, the same log gives the same rows, whatever the batches were (seed %d)",
    (seed) =>
      Effect.gen(function* () {
        const directory = yield* temporaryDirectory
        const random = new SeededRandom(seed)
        const pick = (below: number): number => random.between(0, below - 1)
        const principal: Principal = { _tag: "System", component: "test" }
        const first = yield* Effect.gen(function* () {
          yield* tenant
          const commands = Array.from({ length: 400 }, () => commandOf(pick))
          const results = yield* Effect.forEach(
            commands,
            (command, position) =>
              Effect.exit(
                submit(command, {
                  principal,
                  idempotency: pick(10) === 0 ? { key: `key-${position % 5}`, body_hash: hash("a") } : null
                })
              ),
            { concurrency: 1 + pick(32) }
          )
          assert.isAbove(results.filter(Exit.isSuccess).length, 40, `seed ${seed}`)
          yield* consistent
          return yield* dump
        }).pipe(Effect.provide(raftMasterLayer(directory)))
        yield* Effect.promise(() => rm(join(directory, "state"), { recursive: true }))
        const second = yield* Effect.andThen(
          Commands.use(({ caughtUp }) => caughtUp),
          dump
        ).pipe(Effect.provide(raftMasterLayer(directory)))
        assert.deepStrictEqual(second, first, `seed ${seed}`)
      }),
    60_000
  )
})
