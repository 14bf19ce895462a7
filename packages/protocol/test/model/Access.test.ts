import { assert, describe, it } from "@effect/vitest"
import { OrganizationId, WorkspaceId } from "@nxmesh/protocol/Ids"
import {
  type Access,
  allows,
  allowsSomewhere,
  effectiveAt,
  exceeding,
  installation,
  narrowed,
  type Scope,
  visibleScopes,
  withVisibility
} from "@nxmesh/protocol/model/Access"
import type { Permission } from "@nxmesh/protocol/model/Permission"

const id = (digit: string) => `0190a000-0000-7000-8000-00000000000${digit}`
const acme = OrganizationId.make(id("a"))
const other = OrganizationId.make(id("b"))
const shop = WorkspaceId.make(id("1"))
const blog = WorkspaceId.make(id("2"))
const organization = (organizationId: typeof acme): Scope => ({ _tag: "Organization", organizationId })
const workspace = (workspaceId: typeof shop, organizationId = acme): Scope => ({
  _tag: "Workspace",
  organizationId,
  workspaceId
})
const grant = (scope: Scope, ...permissions: ReadonlyArray<Permission>) => ({
  scope,
  permissions: new Set(permissions)
})

/** Which of these places each grant reaches, written out. */
const places = {
  installation,
  acme: organization(acme),
  other: organization(other),
  shop: workspace(shop),
  blog: workspace(blog)
}
const reaches: ReadonlyArray<readonly [keyof typeof places, string]> = [
  ["installation", "installation acme other shop blog"],
  ["acme", "acme shop blog"],
  ["other", "other"],
  ["shop", "shop"],
  ["blog", "blog"]
]

describe("access", () => {
  it.each(reaches)("held at %s is held at: %s", (held, expected) => {
    const access = [grant(places[held], "config:read")]
    const found = Object.entries(places).filter(([, place]) => allows(access, "config:read", place))
    assert.deepStrictEqual(
      found.map(([name]) => name),
      expected.split(" ")
    )
    assert.isTrue(allowsSomewhere(access, "config:read"))
    assert.isFalse(allowsSomewhere(access, "config:write"))
  })

  it("gives masters to nobody below the installation", () => {
    assert.deepStrictEqual([...effectiveAt(places.acme, ["cluster:write", "config:read"])], ["config:read"])
    assert.deepStrictEqual([...effectiveAt(installation, ["cluster:write"])], ["cluster:write"])
  })

  it("names what exceeds the giver's own, in the place where it does", () => {
    const held: Access = [grant(places.acme, "config:read"), grant(places.shop, "config:write")]
    assert.isNull(exceeding(held, [grant(places.blog, "config:read"), grant(places.shop, "config:write")]))
    assert.deepStrictEqual(exceeding(held, [grant(places.blog, "config:write")]), {
      permission: "config:write",
      scope: places.blog
    })
    assert.isNotNull(exceeding(held, [grant(installation, "config:read")]))
  })

  it("is narrowed to the smaller of two places, and never widened", () => {
    const held: Access = [grant(places.acme, "config:read", "config:write"), grant(places.other, "config:read")]
    assert.deepStrictEqual(narrowed(held, { permissions: new Set(["config:read"]), scope: places.shop }), [
      grant(places.shop, "config:read")
    ])
    assert.deepStrictEqual(narrowed([grant(places.shop, "config:read")], { permissions: null, scope: places.acme }), [
      grant(places.shop, "config:read")
    ])
    assert.deepStrictEqual(narrowed(held, { permissions: new Set(["user:read"]), scope: null }), [])
    assert.deepStrictEqual(
      narrowed([grant(installation, "cluster:read")], { permissions: null, scope: places.acme }),
      []
    )
  })

  it("of a workspace shows its organization, and the others' resources only where the organization says so", () => {
    const held: Access = [grant(places.shop, "organization:read", "config:read", "config:write", "user:read")]
    const alone = withVisibility(held, () => false)
    assert.isTrue(allows(alone, "organization:read", places.acme))
    assert.isFalse(allows(alone, "config:read", places.blog))
    const shared = withVisibility(held, (each) => each === acme)
    assert.isTrue(allows(shared, "config:read", places.blog))
    assert.isFalse(allows(shared, "config:write", places.blog))
    assert.isFalse(allows(shared, "user:read", places.acme))
    assert.isFalse(allows(shared, "config:read", places.other))
  })

  it("tells a list where to look", () => {
    assert.strictEqual(visibleScopes([grant(installation, "config:read")], "config:read"), "all")
    assert.deepStrictEqual(
      visibleScopes(
        [grant(places.acme, "config:read"), grant(places.blog, "config:read"), grant(places.other, "user:read")],
        "config:read"
      ),
      { organizationIds: [acme], workspaceIds: [blog] }
    )
  })
})
