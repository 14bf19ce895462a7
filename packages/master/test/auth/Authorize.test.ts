import { accessOfRole, authorize } from "@nxmesh/master/auth/Authorize"
import { Permission, Role } from "@nxmesh/protocol/model/Permission"
import { assert, describe, it } from "@effect/vitest"

/** Written out and not derived: this table is what is promised to operators. */
const expected: Readonly<Record<Permission, string>> = {
  "organization:read": "admin operator viewer",
  "organization:write": "admin",
  "organization:delete": "admin",
  "workspace:read": "admin operator viewer",
  "workspace:write": "admin",
  "workspace:delete": "admin",
  "agent:read": "admin operator viewer",
  "agent:write": "admin",
  "agent:reload": "admin operator",
  "agent:delete": "admin",
  "config:read": "admin operator viewer",
  "config:write": "admin operator",
  "config:deploy": "admin operator",
  "config:delete": "admin operator",
  "config:snippet": "admin",
  "certificate:read": "admin operator viewer",
  "certificate:write": "admin operator",
  "certificate:delete": "admin",
  "user:read": "admin",
  "user:write": "admin",
  "user:delete": "admin",
  "access:read": "admin",
  "access:write": "admin",
  "audit:read": "admin",
  "metrics:read": "admin operator viewer",
  "log:read": "admin operator viewer",
  "alert:read": "admin operator viewer",
  "alert:write": "admin operator",
  "cluster:read": "admin operator viewer",
  "cluster:write": "admin"
}

describe("Authorize", () => {
  it.each(Permission.literals.flatMap((permission) => Role.literals.map((role) => [permission, role] as const)))(
    "decides %s for %s by the table",
    (permission, role) => {
      const allowed = expected[permission].split(" ").includes(role)
      assert.deepStrictEqual(
        authorize(permission, accessOfRole(role)),
        allowed ? { _tag: "Allowed" } : { _tag: "Missing", permission }
      )
    }
  )

  it.each(Role.literals)("lets %s through where a valid token is enough, and nowhere that declares nothing", (role) => {
    assert.strictEqual(authorize("authenticated", accessOfRole(role))._tag, "Allowed")
    assert.strictEqual(authorize(null, accessOfRole(role))._tag, "Allowed")
    assert.strictEqual(authorize(undefined, accessOfRole(role))._tag, "Undeclared")
  })
})
