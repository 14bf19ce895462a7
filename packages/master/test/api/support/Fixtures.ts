/** What most requests need to exist. Each call makes its own, so tests do not meet. */
import { randomUUID } from "node:crypto"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { ask, login } from "./Client.ts"

/** The id of a new workspace in a new organization. */
export const makeWorkspace = Effect.gen(function* () {
  const token = yield* login()
  const slug = `t-${randomUUID().slice(0, 8)}`
  const organization = yield* ask("POST", "/api/v1/organizations", { token, body: { name: slug, slug } })
  assert.strictEqual(organization.status, 201, organization.text)
  const workspace = yield* ask("POST", `/api/v1/organizations/${organization.body.data.id}/workspaces`, {
    token,
    body: { name: slug, slug }
  })
  assert.strictEqual(workspace.status, 201, workspace.text)
  return workspace.body.data.id as string
})

/** A new virtual host that answers 404 to everything, under a name of its own. */
export const makeHost = Effect.fnUntraced(function* (fields: Readonly<Record<string, unknown>> = {}) {
  const token = yield* login()
  const workspace_id = fields["workspace_id"] ?? (yield* makeWorkspace)
  const created = yield* ask("POST", "/api/v1/virtual-hosts", {
    token,
    body: {
      name: "site",
      server_name: `${randomUUID()}.example.com`,
      listen_port: 80,
      locations: [{ path: "/", return: { status: 404, text: "nothing here" } }],
      ...fields,
      workspace_id
    }
  })
  assert.strictEqual(created.status, 201, created.text)
  return created.body.data
})
