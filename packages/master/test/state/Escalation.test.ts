/** Law: people together never get more than they had together. Method: seeded commands by people of all kinds. */
import { assert, describe, it } from "@effect/vitest"
import type { Command } from "@nxmesh/protocol/Command"
import { GroupId, RoleBindingId, RoleId, SessionId } from "@nxmesh/protocol/Ids"
import { type Access, allows, installation, type Scope } from "@nxmesh/protocol/model/Access"
import { Permission } from "@nxmesh/protocol/model/Permission"
import type { RoleReference } from "@nxmesh/protocol/model/Role"
import type { Principal } from "@nxmesh/protocol/Principal"
import { SeededRandom } from "@nxmesh/raft/testing/SeededRandom"
import { Effect } from "effect"
import { Database } from "../../src/state/Database.ts"
import { grantsOfSubject, hasAdministrator } from "../../src/state/ReadAccess.ts"
import { organization, uuid, workspace } from "../config/Fixtures.ts"
import { initialise } from "./TestCluster.ts"
import {
  create,
  hash,
  onMaster,
  rejected,
  type Save,
  saveOrganization,
  saveUser,
  saveWorkspace,
  submit,
  update,
  userId
} from "./TestMaster.ts"

const roleId = (number: number) => RoleId.make(uuid(0x21, number))
const groupId = (number: number) => GroupId.make(uuid(0x22, number))
const bindingId = (number: number) => RoleBindingId.make(uuid(0x23, number))
const sessionId = (number: number) => SessionId.make(uuid(9, number))

/** Users 2 and 3 have nothing at the installation: what they may do, bindings say. */
const person = (number: number, home: number | null, save: Save = create): Command => {
  const { user } = saveUser(number, "viewer") as Extract<Command, { readonly _tag: "SaveUser" }>
  const homeOf = home === null ? {} : { organization_id: organization(home) }
  return { _tag: "SaveUser", ...save, user: { ...user, role: null, ...homeOf } }
}
const bind = (
  number: number,
  user: number,
  role: RoleReference,
  org: number | null,
  space: number | null
): Command => ({
  _tag: "SaveRoleBinding",
  role_binding: {
    id: bindingId(number),
    subject: { kind: "user", id: userId(user) },
    role,
    organization_id: org === null ? null : organization(org),
    workspace_id: space === null ? null : workspace(space),
    identity_provider_id: null
  }
})
const role = (
  number: number,
  permissions: ReadonlyArray<Permission>,
  org: number | null,
  save: Save = create
): Command => ({
  _tag: "SaveRole",
  ...save,
  role: {
    id: roleId(number),
    organization_id: org === null ? null : organization(org),
    name: `role ${number}`,
    description: "",
    permissions
  }
})
const group = (number: number, members: ReadonlyArray<number>, org: number | null, save: Save = create): Command => ({
  _tag: "SaveGroup",
  ...save,
  group: {
    id: groupId(number),
    organization_id: org === null ? null : organization(org),
    name: `group ${number}`,
    description: "",
    members: members.map(userId)
  }
})
const bindGroup = (number: number, which: number, reference: RoleReference, org: number | null): Command => ({
  _tag: "SaveRoleBinding",
  role_binding: {
    id: bindingId(number),
    subject: { kind: "group", id: groupId(which) },
    role: reference,
    organization_id: org === null ? null : organization(org),
    workspace_id: null,
    identity_provider_id: null
  }
})

const as = (user: number): { readonly principal: Principal } => ({
  principal: { _tag: "User", user_id: userId(user), session_id: sessionId(user) }
})

/**
 * Two organizations. 1 administers the installation. 2 administers organization 1; 3 may give access there, and is otherwise an
 * operator of workspace 1; 4 is a viewer of organization 1; 5 administers organization 2.
 */
const house = Effect.gen(function* () {
  yield* submit({ ...initialise(), cluster_version: 4 } as Command)
  for (const number of [1, 2]) {
    yield* submit(saveOrganization(number))
    yield* submit(saveWorkspace(number, number))
  }
  for (const [number, home] of [
    [2, 1],
    [3, 1],
    [4, 1],
    [5, 2]
  ] as const)
    yield* submit(person(number, home))
  yield* submit(role(1, ["access:read", "access:write", "user:read", "user:write"], 1))
  yield* submit(bind(1, 2, "admin", 1, null))
  yield* submit(bind(2, 3, roleId(1), 1, null))
  yield* submit(bind(3, 3, "operator", 1, 1))
  yield* submit(bind(4, 4, "viewer", 1, null))
  yield* submit(bind(5, 5, "admin", 2, null))
  for (const number of [1, 2, 3, 4, 5]) {
    yield* submit({
      _tag: "StartSession",
      id: sessionId(number),
      user_id: userId(number),
      refresh_hash: hash(String(number)),
      expires_at: "2100-01-01T00:00:00.000Z",
      remote_address: "192.0.2.1"
    })
  }
})

const places: ReadonlyArray<Scope> = [
  installation,
  ...[1, 2].flatMap((number): ReadonlyArray<Scope> => [
    { _tag: "Organization", organizationId: organization(number) },
    { _tag: "Workspace", organizationId: organization(number), workspaceId: workspace(number) }
  ])
]

/** All that these people may do, each thing by its name. */
const heldBy = (users: ReadonlyArray<number>) =>
  Database.use(({ reader }) =>
    Effect.sync(() => {
      const access: Access = users.flatMap((number) => grantsOfSubject(reader, { kind: "user", id: userId(number) }))
      const held = places.flatMap((place, index) =>
        Permission.literals
          .filter((permission) => allows(access, permission, place))
          .map((each) => `${each} at ${index}`)
      )
      return new Set(held)
    })
  )

const anyCommand = (pick: (below: number) => number, serial: number): Command => {
  const org = [null, 1, 2][pick(3)] as number | null
  const mode = pick(2) === 0 ? create : update()
  const reference = ([...(["admin", "operator", "viewer"] as const), roleId(1), roleId(2), roleId(3)] as const)[
    pick(6)
  ] as RoleReference
  const permissions = Permission.literals.filter(() => pick(4) === 0)
  const users = [1, 2, 3, 4, 5].filter(() => pick(3) === 0)
  const commands: ReadonlyArray<() => Command> = [
    () => role(pick(3) + 1, permissions.length === 0 ? ["config:read"] : permissions, org, mode),
    () => group(pick(2) + 1, users, org, mode),
    () => bind(100 + serial, pick(5) + 1, reference, org, org !== null && pick(2) === 0 ? org : null),
    () => bindGroup(100 + serial, pick(2) + 1, reference, org),
    () => ({
      _tag: "DeleteRoleBinding",
      id: bindingId(pick(2) === 0 ? pick(6) : 100 + pick(serial + 1)),
      if_match: null
    }),
    () => ({ _tag: "DeleteGroup", id: groupId(pick(2) + 1), if_match: null }),
    () => ({ _tag: "DeleteRole", id: roleId(pick(3) + 1), if_match: null }),
    () => ({ ...saveUser(pick(5) + 1, (["admin", "operator", "viewer"] as const)[pick(3)] as "admin", update()) }),
    () => person(pick(5) + 1, [null, 1, 1, 2][pick(4)] as number | null, update()),
    () => ({ _tag: "ChangePassword", id: userId(pick(5) + 1), password_hash: "$argon2id$guessed", keep_session: null })
  ]
  return (commands[pick(commands.length)] as () => Command)()
}

describe("giving access", () => {
  for (const seed of [1, 2, 3, 4]) {
    it.effect(`people of an organization never get more than they have together (seed ${seed})`, () =>
      onMaster(
        Effect.gen(function* () {
          yield* house
          const random = new SeededRandom(seed)
          const pick = (below: number) => random.between(0, below - 1)
          const insiders = [2, 3, 4]
          const before = yield* heldBy(insiders)
          const strangers = yield* heldBy([5])
          let accepted = 0
          for (let serial = 0; serial < 120; serial++) {
            const command = anyCommand(pick, serial)
            const by = insiders[pick(insiders.length)] as number
            const result = yield* Effect.result(submit(command, as(by)))
            if (result._tag === "Failure") continue
            accepted += 1
            const more = [...(yield* heldBy(insiders))].filter((each) => !before.has(each))
            assert.deepStrictEqual(more, [], `seed ${seed}, step ${serial}: ${by} gave ${JSON.stringify(command)}`)
          }
          assert.isAbove(accepted, 0)
          assert.deepStrictEqual(yield* heldBy([5]), strangers)
        })
      )
    )
  }

  it.effect("an administrator of an organization cannot act beyond it, nor on people of others", () =>
    onMaster(
      Effect.gen(function* () {
        yield* house
        assert.strictEqual((yield* rejected(bind(20, 2, "viewer", null, null), as(2))).code, "FORBIDDEN")
        assert.strictEqual((yield* rejected(bind(20, 2, "viewer", 2, null), as(2))).code, "VALIDATION_ERROR")
        const foreign = yield* rejected(bind(20, 5, "viewer", 1, null), as(2))
        const nobody = yield* rejected(bind(20, 99, "viewer", 1, null), as(2))
        assert.deepStrictEqual(foreign, nobody)
        yield* submit(bind(20, 4, "operator", 1, null), as(2))
      })
    )
  )

  it.effect("who may give access, and has little else, gives no more than that", () =>
    onMaster(
      Effect.gen(function* () {
        yield* house
        assert.strictEqual((yield* rejected(bind(20, 3, "admin", 1, null), as(3))).code, "FORBIDDEN")
        assert.strictEqual((yield* rejected(role(2, ["agent:delete"], 1), as(3))).code, "FORBIDDEN")
        // To set the password of the administrator would be to become them.
        const taken: Command = { _tag: "ChangePassword", id: userId(2), password_hash: "x", keep_session: null }
        assert.strictEqual((yield* rejected(taken, as(3))).code, "FORBIDDEN")
        yield* submit(role(2, ["access:read"], 1), as(3))
      })
    )
  )

  it.effect("the last administrator stays: by the role, by a binding, and by a group", () =>
    onMaster(
      Effect.gen(function* () {
        yield* house
        const last = "this is the last administrator: make another one first"
        const demoted = saveUser(1, "viewer", update())
        assert.strictEqual((yield* rejected(demoted)).message, last)
        yield* submit(group(1, [], null))
        yield* submit(bindGroup(20, 1, "admin", null))
        assert.strictEqual((yield* rejected(demoted)).message, last)
        yield* submit(person(6, null))
        yield* submit(group(1, [6], null, update()))
        yield* submit(demoted)
        assert.strictEqual((yield* rejected(group(1, [], null, update()))).message, last)
        assert.strictEqual(
          (yield* rejected({ _tag: "DeleteRoleBinding", id: bindingId(20), if_match: null })).message,
          last
        )
        assert.strictEqual((yield* rejected({ _tag: "DeleteGroup", id: groupId(1), if_match: null })).message, last)
        assert.strictEqual((yield* rejected({ _tag: "DeleteUser", id: userId(6), if_match: null })).message, last)
        assert.isTrue(yield* Database.use(({ reader }) => Effect.sync(() => hasAdministrator(reader))))
      })
    )
  )

  it.effect("what goes takes what was given along", () =>
    onMaster(
      Effect.gen(function* () {
        yield* house
        const bindings = Database.use(({ reader }) =>
          Effect.sync(() =>
            reader.all<{ readonly id: string }>("SELECT id FROM role_bindings ORDER BY id").map(({ id }) => id)
          )
        )
        yield* submit(group(1, [4], 1))
        yield* submit({ _tag: "DeleteUser", id: userId(4), if_match: null })
        assert.notInclude(yield* bindings, bindingId(4))
        assert.isEmpty(
          yield* Database.use(({ reader }) => Effect.sync(() => reader.all("SELECT * FROM group_members")))
        )
        assert.strictEqual((yield* rejected({ _tag: "DeleteRole", id: roleId(1), if_match: null })).code, "REFERENCED")
        yield* submit({ _tag: "DeleteWorkspace", id: workspace(1), if_match: null })
        assert.notInclude(yield* bindings, bindingId(3))
        assert.strictEqual(
          (yield* rejected({ _tag: "DeleteOrganization", id: organization(1), if_match: null })).code,
          "REFERENCED"
        )
        for (const number of [2, 3]) yield* submit({ _tag: "DeleteUser", id: userId(number), if_match: null })
        // Of the installation, and in a group of the organization.
        yield* submit(person(7, null))
        yield* submit(group(2, [7], 1))
        yield* submit({ _tag: "DeleteOrganization", id: organization(1), if_match: null })
        assert.deepStrictEqual(yield* bindings, [bindingId(5)])
        assert.isEmpty(
          yield* Database.use(({ reader }) => Effect.sync(() => reader.all("SELECT * FROM group_members")))
        )
      })
    )
  )
})
