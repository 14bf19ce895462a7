import { assert, describe, it } from "@effect/vitest"
import { type Definitions, settingsHelp } from "@nxmesh/core/settings/Definition"
import { readSettings, settingsFrom } from "@nxmesh/core/settings/ReadSettings"
import { loadSettingsFile } from "@nxmesh/core/settings/SettingsFile"
import { type Address, readAddress, readHost } from "@nxmesh/core/settings/SettingValues"
import { ConfigProvider, Effect, Result } from "effect"

interface Shape {
  readonly address: Address
  readonly name: string | null
  readonly hosts: ReadonlyArray<string>
  readonly password: string | null
}

const definitions: Definitions<Shape> = {
  address: { key: "address", read: readAddress, fallback: { host: "::1", port: 80 }, help: "where [[::1]:80]" },
  name: { key: "node_name", read: readHost, fallback: null, help: "who" },
  hosts: {
    key: "hosts",
    read: (text) => Result.succeed(text.split(",")),
    fallback: [],
    help: "whom",
    several: true
  },
  password: {
    key: "password",
    read: (text) => (text.length > 8 ? Result.succeed(text) : Result.fail("must be longer")),
    fallback: null,
    help: "what",
    secret: true
  }
}

const read = (variables: Record<string, string>, text?: string) =>
  readSettings(definitions, variables, text === undefined ? null : { path: "nxmesh.yaml", text })

const problemsOf = (variables: Record<string, string>, text?: string) => {
  const result = read(variables, text)
  return Result.isFailure(result) ? result.failure.problems : []
}

describe("settings", () => {
  it("fall back to their defaults", () => {
    const fallbacks: Shape = { address: { host: "::1", port: 80 }, name: null, hosts: [], password: null }
    assert.deepStrictEqual(Result.getOrThrow(read({})), fallbacks)
    assert.deepStrictEqual(Result.getOrThrow(read({}, "")), fallbacks)
    assert.deepStrictEqual(Result.getOrThrow(read({}, "# nothing is set\n")), fallbacks)
  })

  it("are not set by an empty variable, which is how Compose passes on one that is not there", () => {
    const file = "node_name: filed\n"
    assert.strictEqual(Result.getOrThrow(read({ NXMESH_NODE_NAME: "" }, file)).name, "filed")
    assert.strictEqual(Result.getOrThrow(read({ NXMESH_NODE_NAME: "" })).name, null)
  })

  it("come from the environment before the file", () => {
    const settings = Result.getOrThrow(read({ NXMESH_ADDRESS: "[::1]:0" }, "address: 127.0.0.1:1\nnode_name: one\n"))
    assert.deepStrictEqual(settings.address, { host: "::1", port: 0 })
    assert.strictEqual(settings.name, "one")
  })

  it("take lists and maps of the file as the variable has them, where several values are meant", () => {
    assert.deepStrictEqual(Result.getOrThrow(read({}, "hosts: [a, b]")).hosts, ["a", "b"])
    assert.deepStrictEqual(Result.getOrThrow(read({}, "hosts: {a: 1, b: 2}")).hosts, ["a=1", "b=2"])
    assert.deepStrictEqual(problemsOf({}, "hosts: [[a]]"), ["hosts in nxmesh.yaml: must be one value"])
    assert.deepStrictEqual(problemsOf({}, "node_name: {a: 1}"), ["node_name in nxmesh.yaml: must be one value"])
  })

  it("take scalars of the file as they were written", () => {
    const digits = "012345678901234567890"
    assert.strictEqual(Result.getOrThrow(read({}, `password: ${digits}`)).password, digits)
  })

  it("name the key, the value and what is allowed", () => {
    const allowed = "must be host:port, as in 127.0.0.1:8080 or [::1]:8080, with a port from 0 to 65535"
    assert.deepStrictEqual(problemsOf({ NXMESH_ADDRESS: "localhost" }), [`NXMESH_ADDRESS: "localhost" ${allowed}`])
    assert.deepStrictEqual(problemsOf({}, "address: 127.0.0.1:70000"), [
      `address in nxmesh.yaml: "127.0.0.1:70000" ${allowed}`
    ])
    assert.deepStrictEqual(problemsOf({}, "adress: x"), [
      "adress in nxmesh.yaml: is not a setting; known are address, node_name, hosts, password"
    ])
  })

  it("refuse a file that is no YAML, or holds no keys", () => {
    assert.match(problemsOf({}, "a: [")[0] ?? "", /^nxmesh\.yaml: is not YAML at line 1, column \d+ \(/)
    assert.match(problemsOf({}, "- a")[0] ?? "", /must hold keys and values/)
    assert.match(problemsOf({}, "a")[0] ?? "", /must hold keys and values/)
  })

  it("tell every problem at once", () => {
    assert.strictEqual(problemsOf({ NXMESH_PASSWORD: "short", NXMESH_ADDRESS: "x" }, "other: 1").length, 3)
  })

  it("repeat no secret, wherever it is wrong", () => {
    const wrong = ['password: "hunter2', "password: hunter2", "password: [hunter2]", "password: *hunter2"]
    for (const text of [...wrong, "password: !hunter2 x", "password: {hunter2: 1}", "password: @hunter2"]) {
      const problems = problemsOf({}, text)
      assert.notStrictEqual(problems.length, 0, text)
      assert.notInclude(problems.join("\n"), "hunter2")
    }
    assert.deepStrictEqual(problemsOf({ NXMESH_PASSWORD: "hunter2" }), ["NXMESH_PASSWORD: the value must be longer"])
  })

  it("are explained with their variables", () => {
    const lines = settingsHelp(definitions).split("\n")
    assert.deepStrictEqual(lines[1], "  NXMESH_NODE_NAME  who")
    assert.strictEqual(lines.length, 4)
  })

  it.effect("are read through the ConfigProvider", () =>
    Effect.gen(function* () {
      const settings = yield* settingsFrom(definitions, { path: "nxmesh.yaml", text: "hosts: a" })
      assert.strictEqual(settings.name, "one")
      assert.deepStrictEqual(settings.hosts, ["a"])
    }).pipe(Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord({ NXMESH_NODE_NAME: "one" }))))
  )

  it.effect("say which file cannot be read", () =>
    Effect.gen(function* () {
      assert.isNull(yield* loadSettingsFile(null))
      const { message } = yield* Effect.flip(loadSettingsFile("/nowhere/nxmesh.yaml"))
      assert.match(message, /^--config: cannot read \/nowhere\/nxmesh\.yaml: ENOENT/)
    })
  )
})
