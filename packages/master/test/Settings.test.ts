import { assert, describe, it } from "@effect/vitest"
import { readSettings } from "@nxmesh/core/settings/ReadSettings"
import { ConfigProvider, Duration, Effect, Redacted, Result } from "effect"
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

  it("reads where to join, and with what", () => {
    const token = `nxj1.${"ab".repeat(32)}.${"x".repeat(32)}`
    const environment = { NXMESH_JOIN: "m1.example.com:8443, [::1]:9443", NXMESH_JOIN_TOKEN: token }
    const settings = Result.getOrThrow(readSettings(definitions, environment, null))
    assert.deepStrictEqual(settings.join, [
      { host: "m1.example.com", port: 8443 },
      { host: "::1", port: 9443 }
    ])
    assert.strictEqual(settings.joinToken === null ? null : Redacted.value(settings.joinToken), token)
  })

  it("refuses addresses without a port, a token that is none, and a cluster of nobody", () => {
    const environment = {
      NXMESH_JOIN: "m1.example.com",
      NXMESH_JOIN_TOKEN: "nxj1.planted-secret",
      NXMESH_BOOTSTRAP_EXPECT: "0"
    }
    const result = readSettings(definitions, environment, null)
    const problems = Result.isFailure(result) ? result.failure.problems : []
    assert.lengthOf(problems, 3)
    for (const name of Object.keys(environment)) assert.isTrue(problems.some((problem) => problem.startsWith(name)))
    assert.notInclude(problems.join(" "), "planted-secret")
  })

  it("reads how often states are compared, from a second to thirty days", () => {
    const read = (text: string) => {
      const result = readSettings(definitions, { NXMESH_STATE_CHECK_INTERVAL: text }, null)
      return Result.isSuccess(result) ? Duration.toMillis(result.success.stateCheckInterval) : null
    }
    assert.deepStrictEqual(
      ["1s", "90s", "5m", "24h", "30d"].map(read),
      [1_000, 90_000, 300_000, 86_400_000, 2_592_000_000]
    )
    assert.deepStrictEqual(new Set(["0s", "60", "1.5m", "-1s", "31d", "s", "99999999s"].map(read)), new Set([null]))
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
