import { assert, describe, it } from "@effect/vitest"
import { readSettings } from "@nxmesh/core/settings/ReadSettings"
import { ConfigProvider, Effect, Redacted, Result } from "effect"
import { definitions, Settings, settingsHelp } from "../src/Settings.ts"

describe("Settings", () => {
  it("has a default for everything", () => {
    const settings = Result.getOrThrow(readSettings(definitions, {}, null))
    assert.deepStrictEqual(settings.httpAddress, { host: "127.0.0.1", port: 8080 })
    assert.strictEqual(settings.adminPassword, null)
  })

  it("repeats no password that it refuses", () => {
    const result = readSettings(definitions, { NXMESH_ADMIN_PASSWORD: "hunter2" }, null)
    assert.deepStrictEqual(Result.isFailure(result) ? result.failure.problems : [], [
      "NXMESH_ADMIN_PASSWORD: the value must have 12 to 256 characters"
    ])
  })

  it("explains every setting", () => {
    for (const name of ["NXMESH_HTTP_ADDRESS", "NXMESH_DATA_DIR", "NXMESH_ADMIN_PASSWORD"]) {
      assert.include(settingsHelp, name)
    }
  })

  it.effect("reads the environment through the ConfigProvider", () =>
    Effect.gen(function* () {
      const settings = yield* Settings
      assert.strictEqual(settings.adminEmail, "ada@example.com")
      assert.strictEqual(
        settings.adminPassword === null ? null : Redacted.value(settings.adminPassword),
        "a good long one"
      )
    }).pipe(
      Effect.provide(Settings.layer(null)),
      Effect.provide(
        ConfigProvider.layer(
          ConfigProvider.fromEnvRecord({
            NXMESH_ADMIN_EMAIL: "ada@example.com",
            NXMESH_ADMIN_PASSWORD: "a good long one"
          })
        )
      )
    )
  )
})
