/** The settings of the installation over the API, and what it does not let anybody do to themselves. */
import { networkSettingsDefault } from "@nxmesh/protocol/model/NetworkSettings"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { Reads } from "../../src/state/Reads.ts"
import { InstallationSettings } from "../../src/settings/InstallationSettings.ts"
import { ask, login } from "./support/Client.ts"
import { layerTestMaster } from "./support/TestMaster.ts"

const path = "/api/v1/settings"

layer(layerTestMaster, { excludeTestServices: true })("the settings of the installation", (it) => {
  it.effect("are the defaults while nobody chose, and nothing is named as chosen", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const { body, headers, status } = yield* ask("GET", path, { token })
      assert.strictEqual(status, 200)
      assert.deepStrictEqual(body.data.network, networkSettingsDefault)
      assert.deepStrictEqual([body.data.chosen, body.data.updated_at, headers.get("etag")], [{}, null, '"1"'])
    })
  )

  it.effect("keep what was chosen, tell the service at once, and leave the rest to the defaults", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const network = { agent_allowlist: ["10.0.0.0/8", "2001:db8::/32"] }
      const changed = yield* ask("PATCH", path, { token, body: { network } })
      assert.strictEqual(changed.status, 200, changed.text)
      assert.deepStrictEqual(changed.body.data.network, { ...networkSettingsDefault, ...network })
      assert.deepStrictEqual(changed.body.data.chosen, { network: ["agent_allowlist"] })
      const { current } = yield* InstallationSettings
      assert.deepStrictEqual((yield* current).network.agent_allowlist, network.agent_allowlist)
      const read = yield* ask("GET", path, { token })
      assert.deepStrictEqual(read.body, changed.body)

      const unchosen = yield* ask("PATCH", path, { token, body: { network: null } })
      assert.deepStrictEqual([unchosen.status, unchosen.body.data.chosen], [200, {}])
      assert.deepStrictEqual((yield* current).network, networkSettingsDefault)
    })
  )

  it.effect("are changed at the revision that If-Match names, or not at all", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const before = yield* ask("GET", path, { token })
      const etag = before.headers.get("etag") ?? ""
      const body = { network: { agent_allowlist: ["192.0.2.0/24"] } }
      const first = yield* ask("PATCH", path, { token, body, headers: { "if-match": etag } })
      assert.strictEqual(first.status, 200, first.text)
      const second = yield* ask("PATCH", path, { token, body: { network: null }, headers: { "if-match": etag } })
      assert.deepStrictEqual([second.status, second.body.error.code], [412, "PRECONDITION_FAILED"])
      yield* ask("PATCH", path, { token, body: { network: null } })
    })
  )

  it.effect("refuse what is no block of addresses and what nobody knows, naming the field", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const bad: ReadonlyArray<readonly [unknown, string]> = [
        [{ network: { api_allowlist: ["10.0.0.0/33"] } }, "network.api_allowlist[0]"],
        [{ network: { agent_allowlist: ["example.com"] } }, "network.agent_allowlist[0]"],
        [{ network: { allowlist: [] } }, "network.allowlist"],
        [{ weather: {} }, "weather"],
        [
          { network: { rate_limits: { ...networkSettingsDefault.rate_limits, enabled: "no" } } },
          "network.rate_limits.enabled"
        ]
      ]
      for (const [body, field] of bad) {
        const answer = yield* ask("PATCH", path, { token, body })
        assert.strictEqual(answer.status, 400, answer.text)
        assert.deepInclude(
          answer.body.error.details.map((detail: { field: string }) => detail.field),
          field
        )
      }
    })
  )

  it.effect("refuse a list that shuts out who asks, unless it is forced", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const body = { network: { api_allowlist: ["10.0.0.0/8"] } }
      const headers = { "x-forwarded-for": "198.51.100.7" }
      const refused = yield* ask("PATCH", path, { token, body, headers })
      assert.strictEqual(refused.status, 400, refused.text)
      assert.strictEqual(refused.body.error.details[0].field, "network.api_allowlist")
      assert.include(refused.body.error.details[0].message, "198.51.100.7")

      const forced = yield* ask("PATCH", `${path}?force=true`, { token, body, headers })
      assert.strictEqual(forced.status, 200, forced.text)
      // From the machine itself, which no list shuts out.
      assert.strictEqual((yield* ask("PATCH", path, { token, body: { network: null } })).status, 200)
    })
  )

  it.effect("are in the audit with what was before and after", () =>
    Effect.gen(function* () {
      const token = yield* login()
      yield* ask("PATCH", path, { token, body: { network: { agent_allowlist: ["203.0.113.0/24"] } } })
      const { items } = yield* Reads.use((reads) =>
        reads.audit({ page: 1, perPage: 1, sort: "entry", descending: true, filters: {} })
      )
      assert.deepInclude(items[0], {
        command: "SaveSettings",
        kind: "settings",
        before: "{}",
        after: '{"network":{"agent_allowlist":["203.0.113.0/24"]}}'
      })
      yield* ask("PATCH", path, { token, body: { network: null } })
    })
  )
})
