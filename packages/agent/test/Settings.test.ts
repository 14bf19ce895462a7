import { variableOf } from "@nxmesh/core/settings/Definition"
import { assert, describe, it } from "@effect/vitest"
import { readSettings } from "@nxmesh/core/settings/ReadSettings"
import { Redacted, Result } from "effect"
import { contradictionIn, instanceOf, layoutOf } from "../src/nginx/InstanceFromSettings.ts"
import { sidecarPidFileOf } from "../src/nginx/NginxInstance.ts"
import { definitions, settingsHelp } from "../src/Settings.ts"

const read = (variables: Record<string, string>, yaml?: string) =>
  readSettings(definitions, variables, yaml === undefined ? null : { path: "agent.yaml", text: yaml })
const good = (variables: Record<string, string>, yaml?: string) => Result.getOrThrow(read(variables, yaml))
const problems = (variables: Record<string, string>, yaml?: string) => {
  const result = read(variables, yaml)
  return Result.isFailure(result) ? result.failure.message : ""
}

describe("Settings", () => {
  it("has defaults for a system nginx", () => {
    const settings = good({})
    assert.deepStrictEqual(instanceOf(settings, "/usr/sbin/nginx"), {
      prefix: null,
      binary: "/usr/sbin/nginx",
      pidFile: "/run/nginx.pid",
      confDirectory: "/etc/nginx/conf.d",
      runtimeDirectory: "/run/nxmesh"
    })
    assert.strictEqual(settings.dataDirectory, "/var/lib/nxmesh/agent")
  })

  it("puts everything in the prefix of an nginx of its own", () => {
    const settings = good({ NXMESH_NGINX_PREFIX: "/srv/n/" })
    const instance = instanceOf(settings, "/usr/sbin/nginx")
    assert.strictEqual(instance.confDirectory, "/srv/n/conf.d")
    assert.deepStrictEqual(layoutOf(settings, instance), {
      confDirectory: "/srv/n/conf.d",
      runtimeDirectory: "/srv/n/run",
      logDirectory: "/srv/n/logs",
      ownsMainContext: true,
      ownsDefaultServer: true
    })
  })

  it("has the paths of both sides for a sidecar, and looks for its nginx among the processes", () => {
    const settings = good({ NXMESH_DEPLOYMENT_MODE: "k8s_sidecar", NXMESH_LOCAL_CONF_DIR: "/volume/conf" })
    const instance = instanceOf(settings, "nginx")
    assert.strictEqual(instance.confDirectory, "/volume/conf")
    assert.strictEqual(sidecarPidFileOf(instance.pidFile), null)
    assert.strictEqual(layoutOf(settings, instance).confDirectory, "/etc/nginx/conf.d")
    const withFile = good({ NXMESH_DEPLOYMENT_MODE: "docker_sidecar", NXMESH_NGINX_PID_FILE: "/volume/nginx.pid" })
    assert.strictEqual(sidecarPidFileOf(instanceOf(withFile, "nginx").pidFile), "/volume/nginx.pid")
    assert.isNull(contradictionIn(withFile))
  })

  it("says which settings contradict each other", () => {
    const prefixed = good({ NXMESH_DEPLOYMENT_MODE: "docker_sidecar", NXMESH_NGINX_PREFIX: "/srv/n" })
    assert.include(contradictionIn(prefixed), "NXMESH_NGINX_PREFIX")
    assert.include(contradictionIn(good({ NXMESH_LOCAL_CONF_DIR: "/volume" })), "NXMESH_DEPLOYMENT_MODE")
  })

  it("takes a variable before the file, and lists and maps from YAML", () => {
    const yaml = "master_url: [wss://a:8443, wss://b:8443]\nagent_labels: { env: prod }\ndata_dir: /file\n"
    const settings = good({ NXMESH_DATA_DIR: "/variable" }, yaml)
    assert.strictEqual(settings.dataDirectory, "/variable")
    assert.deepStrictEqual(settings.masterUrls, ["wss://a:8443", "wss://b:8443"])
    assert.deepStrictEqual(settings.labels, { env: "prod" })
  })

  it("reads a fingerprint in either spelling, and hides the token", () => {
    const settings = good({ NXMESH_CA_FINGERPRINT: `AB:${"cd:".repeat(30)}EF`, NXMESH_AGENT_TOKEN: "t".repeat(32) })
    assert.strictEqual(settings.caFingerprint, `ab${"cd".repeat(30)}ef`)
    assert.notInclude(JSON.stringify(settings), "tttt")
    assert.strictEqual(settings.agentToken === null ? "" : Redacted.value(settings.agentToken), "t".repeat(32))
  })

  for (const [key, value, allowed] of [
    ["NXMESH_MASTER_URL", "http://a", "wss://"],
    ["NXMESH_DEPLOYMENT_MODE", "bare", "docker_sidecar, k8s_sidecar, standalone"],
    ["NXMESH_DATA_DIR", "relative", "absolute path"],
    ["NXMESH_NGINX_PREFIX", "/a b", "without spaces"],
    ["NXMESH_RUNTIME_DIR", `/${"x".repeat(100)}`, "at most 100 bytes"],
    ["NXMESH_CA_FINGERPRINT", "abc", "64 hexadecimal digits"],
    ["NXMESH_AGENT_LABELS", "prod", "key=value"],
    ["NXMESH_METRICS_ADDRESS", "9113", "host:port"],
    ["NXMESH_NGINX_OWNS_DEFAULT_SERVER", "yes", "true or false"],
    ["NXMESH_LOG_LEVEL", "loud", "error, warn, info, debug or trace"]
  ] as const) {
    it(`names the key, the value and what is allowed for a wrong ${key}`, () => {
      const message = problems({ [key]: value })
      for (const part of [key, value, allowed]) assert.include(message, part)
    })
  }

  it("refuses paths that nginx would read as syntax", () => {
    for (const path of ["/a;b", "/a{", "/a}", '/a"', "/a$b", "/a#b", "/a\\b", "/a\nb"]) {
      assert.match(problems({ NXMESH_NGINX_PREFIX: path }), /^NXMESH_NGINX_PREFIX: .* must be an absolute path/)
    }
  })

  it("says every problem at once, and never the token", () => {
    const message = problems({ NXMESH_AGENT_TOKEN: "short", NXMESH_LOG_LEVEL: "loud" }, "colour: red\n")
    assert.strictEqual(message.split("\n").length, 3)
    assert.include(message, "colour in agent.yaml: is not a setting")
    assert.notInclude(message, "short")
  })

  it("explains every setting", () => {
    for (const definition of Object.values(definitions)) assert.include(settingsHelp, variableOf(definition))
  })
})
