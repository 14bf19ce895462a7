/** packaging/systemd, as systemd itself judges it. */
import { assert, describe, it } from "@effect/vitest"
import { execFileSync, spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { variableOf } from "@nxmesh/core/settings/Definition"
import { definitions } from "@nxmesh/agent/Settings"
import { inCheckout } from "../../cli/tooling/Checkout.ts"

const unit = (name: string) => inCheckout("packaging", "systemd", name)
const text = (name: string) => readFileSync(unit(name), "utf8")

/** Exposure from 0 to 10, in tenths (systemd-analyze(1), security): the agent drives nginx as root, the master needs no right at all. */
const exposureMax = { "nxmesh-master.service": 20, "nxmesh-agent.service": 60 }

const hasSystemd = ((): boolean => {
  const { error } = spawnSync("systemd-analyze", ["--version"])
  if (error !== undefined)
    process.stderr.write(`the units are not verified: no systemd-analyze here: ${error.message}\n`)
  return error === undefined
})()

describe.skipIf(!hasSystemd)("systemd", () => {
  for (const [name, most] of Object.entries(exposureMax)) {
    it(`finds nothing wrong in ${name}`, () => {
      const { stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", unit(name)], { encoding: "utf8" })
      const complaints = stderr.split("\n").filter((line) => line.includes(name))
      // The program is installed where the unit is.
      assert.deepStrictEqual(
        complaints.filter((line) => !line.includes("is not executable")),
        []
      )
    })

    it(`sees ${name} exposed no more than it has to be`, () => {
      const words = execFileSync(
        "systemd-analyze",
        ["security", "--offline=true", `--threshold=${most}`, "--no-pager", unit(name)],
        { encoding: "utf8" }
      )
      assert.match(words, /Overall exposure level/)
    })
  }
})

describe("the units", () => {
  it("let nginx outlive the agent, and its socket the agent's runtime directory", () => {
    assert.match(text("nxmesh-agent.service"), /^KillMode=process$/m)
    assert.notMatch(text("nxmesh-agent.service"), /^RuntimeDirectory=/m)
    assert.match(text("nxmesh.tmpfiles"), /^d \/run\/nxmesh 0700 /m)
  })

  it("recover before nginx's own test, which would fail without", () => {
    const starts = text("nginx.service.d/nxmesh.conf").match(/^ExecStartPre=.*$/gm) ?? []
    assert.strictEqual(starts[0], "ExecStartPre=")
    assert.include(starts[1], "nxmesh-agent recover")
    assert.include(starts[2], "nginx -t")
  })

  it("offer variables that are settings", () => {
    const known = new Set(Object.values(definitions).map(variableOf))
    const named = text("agent.env").match(/NXMESH_[A-Z_]+/g) ?? []
    assert.isNotEmpty(named)
    assert.deepStrictEqual(
      named.filter((name) => !known.has(name)),
      []
    )
  })
})
