import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Redacted, Result } from "effect"
import { readSettings, Settings, settingsHelp } from "../src/Settings.ts"

const problemsOf = (variables: Record<string, string>, text?: string) => {
  const result = readSettings(variables, text === undefined ? null : { path: "master.yaml", text })
  return Result.isFailure(result) ? result.failure.problems : []
}

describe("Settings", () => {
  it("has a default for everything", () => {
    const settings = Result.getOrThrow(readSettings({}, null))
    assert.deepStrictEqual(settings.httpAddress, { host: "127.0.0.1", port: 8080 })
    assert.strictEqual(settings.adminPassword, null)
  })

  it("prefers the environment to the file", () => {
    const file = { path: "master.yaml", text: "http_address: 127.0.0.1:9000\nnode_name: one\n" }
    const settings = Result.getOrThrow(readSettings({ NXMESH_HTTP_ADDRESS: "[::1]:0" }, file))
    assert.deepStrictEqual(settings.httpAddress, { host: "::1", port: 0 })
    assert.strictEqual(settings.nodeName, "one")
  })

  it("names the key, the value and what is allowed", () => {
    assert.deepStrictEqual(problemsOf({ NXMESH_HTTP_ADDRESS: "localhost" }), [
      'NXMESH_HTTP_ADDRESS: "localhost" must be host:port, as in 127.0.0.1:8080 or [::1]:8080, with a port from 0 to 65535'
    ])
    assert.match(problemsOf({}, "http_address: 127.0.0.1:70000")[0] ?? "", /^http_address in master\.yaml: "127/)
    assert.match(
      problemsOf({}, "htp_address: 1")[0] ?? "",
      /^htp_address in master\.yaml: is not a setting; known are /
    )
    assert.match(problemsOf({}, "a: [")[0] ?? "", /is not YAML/)
    assert.match(problemsOf({}, "- a")[0] ?? "", /must hold keys and values/)
    assert.match(problemsOf({}, "node_name: {a: 1}")[0] ?? "", /must be one value/)
  })

  it("tells every problem at once, and no secret", () => {
    const problems = problemsOf({ NXMESH_ADMIN_PASSWORD: "hunter2", NXMESH_LOG_LEVEL: "loud" })
    assert.strictEqual(problems.length, 2)
    assert.notInclude(problems.join("\n"), "hunter2")
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
