/** A template is refused for what it would do to those that use it, not only for what it is by itself. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { ask, login } from "./support/Client.ts"
import { makeHost, makeWorkspace } from "./support/Fixtures.ts"
import { layerTestMaster } from "./support/TestMaster.ts"

const make = Effect.fnUntraced(function* (workspace_id: string, name: string, source: string) {
  const token = yield* login()
  const created = yield* ask("POST", "/api/v1/templates", { token, body: { workspace_id, name, source } })
  assert.strictEqual(created.status, 201, created.text)
  return created.body.data.id as string
})

const change = Effect.fnUntraced(function* (id: string, source: string) {
  return yield* ask("PATCH", `/api/v1/templates/${id}`, { token: yield* login(), body: { source } })
})

/** Fine for the samples, which have other names; `load_module` is forbidden. */
const badFor = (host: string) => `{{> default}}{{#if (eq name "${host}")}}load_module x.so;{{/if}}`

layer(layerTestMaster, { excludeTestServices: true })("Use of templates", (it) => {
  it.effect("a partial is refused when a template that uses it could not be rendered any more", () =>
    Effect.gen(function* () {
      const workspace = yield* makeWorkspace
      const partial = yield* make(workspace, "ending", "_header X-Own yes;")
      yield* make(workspace, "outer", "{{> default}}add{{> ending}}")
      const harmless = yield* make(workspace, "harmless", "{{> default}}load{{> ending}}")
      // By itself it only names a directive that nobody knows.
      const refused = yield* change(partial, "_module x.so;")
      assert.strictEqual(refused.status, 400, refused.text)
      const [detail] = refused.body.error.details
      assert.strictEqual(detail.field, "source")
      assert.include(detail.message, 'template "harmless" uses it as a partial')
      assert.strictEqual((yield* change(harmless, "{{> default}}")).status, 200)
      const fine = yield* change(partial, "_module x.so;")
      assert.strictEqual(fine.status, 200, fine.text)
    })
  )

  it.effect("a template is refused when a host that uses it, also through another, could not be rendered", () =>
    Effect.gen(function* () {
      const workspace_id = yield* makeWorkspace
      const inner = yield* make(workspace_id, "inner", "{{> default}}")
      yield* make(workspace_id, "outer", "{{> inner}}")
      const host = yield* makeHost({ workspace_id, name: "victim", template: "outer" })
      yield* makeHost({ workspace_id, name: "bystander", template: "outer" })
      const refused = yield* change(inner, badFor("victim"))
      assert.strictEqual(refused.status, 400, refused.text)
      const [detail] = refused.body.error.details
      assert.strictEqual(detail.field, "source")
      assert.include(detail.message, host.id)
      assert.include(detail.message, "load_module")
    })
  )

  it.effect("a host is refused when its template cannot render it", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const workspace_id = yield* makeWorkspace
      yield* make(workspace_id, "own", badFor("victim"))
      const host = yield* makeHost({ workspace_id, name: "fine", template: "own" })
      const refused = yield* ask("PATCH", `/api/v1/virtual-hosts/${host.id}`, { token, body: { name: "victim" } })
      assert.strictEqual(refused.status, 400, refused.text)
      assert.strictEqual(refused.body.error.details[0].field, "template")
    })
  )
})
