import { assert, describe, it } from "@effect/vitest"
import { parseCapabilitySet, parseUid } from "../../src/modes/Detection.ts"
import {
  capabilityNames,
  type MasterFacts,
  modeCapabilities,
  type ModeFacts
} from "../../src/modes/ModeCapabilities.ts"

const master: MasterFacts = {
  pid: 1,
  uid: 0,
  signalable: true,
  test: { mode: "chroot", missing: null },
  sharesConfiguration: true,
  sharesNetwork: true
}
const facts: ModeFacts = {
  mode: "docker_sidecar",
  ownsNginx: false,
  uid: 0,
  capabilities: ["sys_chroot"],
  standaloneTest: "namespace",
  master
}
const of = (change: Partial<ModeFacts>) => modeCapabilities({ ...facts, ...change })

describe("what an agent can do", () => {
  it("is tier 1 for a sidecar that can test in nginx's container", () => {
    const found = of({})
    assert.deepStrictEqual(found, {
      test: "chroot",
      tier: 1,
      reload: true,
      restart: "runtime",
      problems: [],
      advice: []
    })
    assert.deepStrictEqual(capabilityNames(found), ["tier_1", "test_chroot", "reload", "restart_by_runtime"])
  })

  it("is tier 2, with the reason, where only the reload can test", () => {
    const found = of({ master: { ...master, uid: 101, test: { mode: "reload", missing: "add SYS_CHROOT" } }, uid: 101 })
    assert.deepStrictEqual([found.tier, found.test, found.problems], [2, "reload", []])
    assert.include(found.advice.join(), "add SYS_CHROOT")
    assert.deepStrictEqual(capabilityNames(found), ["tier_2", "test_reload", "reload", "restart_by_runtime"])
  })

  it("is nothing without a shared PID namespace, and says what each runtime calls it", () => {
    const docker = of({ master: null })
    assert.deepStrictEqual([docker.tier, docker.test, docker.reload], [null, null, false])
    assert.include(docker.problems.join(), "service:nginx")
    assert.include(of({ master: null, mode: "k8s_sidecar" }).problems.join(), "shareProcessNamespace")
  })

  it("is nothing for another user than nginx's, and names both", () => {
    const found = of({ uid: 1_000, master: { ...master, uid: 101, signalable: false } })
    assert.deepStrictEqual([found.tier, found.reload], [null, false])
    assert.match(found.problems.join(), /uid is 1000, that of nginx is 101/)
  })

  it("is nothing when nginx sees another directory; not knowing is not a problem", () => {
    assert.include(of({ master: { ...master, sharesConfiguration: false } }).problems.join(), "NXMESH_LOCAL_CONF_DIR")
    assert.deepStrictEqual(of({ master: { ...master, sharesConfiguration: null } }).problems, [])
  })

  it("says so when the network is not shared", () => {
    assert.include(of({ master: { ...master, sharesNetwork: false } }).advice.join(), "network")
  })

  it("is no tier for a standalone agent, which needs no running nginx to know how it tests", () => {
    const own = of({ mode: "standalone", ownsNginx: true, master: null })
    assert.deepStrictEqual([own.tier, own.test, own.restart, own.problems], [null, "namespace", "agent", []])
    const system = of({ mode: "standalone", standaloneTest: "wrapper", master: { ...master, test: null } })
    assert.deepStrictEqual(capabilityNames(system), ["test_wrapper", "reload", "restart_by_machine"])
  })
})

describe("/proc/PID/status", () => {
  const status = "Name:\tnginx\nUid:\t1000\t101\t1000\t1000\nCapEff:\t00000000a80425fb\n"
  it("tells the effective user and the capabilities of Docker's default set", () => {
    assert.strictEqual(parseUid(status), 101)
    assert.deepStrictEqual(parseCapabilitySet(status), ["dac_override", "kill", "sys_chroot"])
  })
  it("tells nothing when it cannot be read", () => {
    assert.isNull(parseUid(""))
    assert.deepStrictEqual(parseCapabilitySet(""), [])
  })
})
