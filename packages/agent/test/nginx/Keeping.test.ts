import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { isOurs, type KeeperFacts, keeperOf, unitOf } from "../../src/nginx/Keeper.ts"
import { programIn } from "../../src/nginx/NginxProcess.ts"
import { isOver, NginxWish, type Stop } from "../../src/nginx/NginxWish.ts"
import { decide } from "../../src/nginx/PidFile.ts"
import { readUnit } from "../../src/SettingValues.ts"

const temporaryDirectory = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "nxmesh-wish-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true }))
)

describe("who keeps nginx", () => {
  const system = { prefix: null }
  const facts: KeeperFacts = { cgroup: "0::/system.slice/nginx.service\n", booted: true, lastUnit: null }
  const unset = { unit: null }

  it("is the agent in a prefix of its own, whatever group it runs in", () => {
    assert.deepStrictEqual(keeperOf({ prefix: "/p" }, { unit: "x.service" }, facts), { _tag: "Agent" })
  })

  it("is the runtime of a sidecar, and systemd for the unit that is set, found, or remembered", () => {
    assert.deepStrictEqual(keeperOf({ prefix: null, sidecar: true }, unset, facts), { _tag: "Runtime" })
    const of = (unit: string) => ({ _tag: "Systemd" as const, unit })
    assert.deepStrictEqual(keeperOf(system, { unit: "web.service" }, { ...facts, booted: false }), of("web.service"))
    assert.deepStrictEqual(keeperOf(system, unset, facts), of("nginx.service"))
    assert.deepStrictEqual(
      keeperOf(system, unset, { ...facts, cgroup: null, lastUnit: "nginx.service" }),
      of("nginx.service")
    )
  })

  it("is nobody that the agent knows where systemd does not run, or runs no unit for it", () => {
    const person = { _tag: "Person" } as const
    assert.deepStrictEqual(keeperOf(system, unset, { ...facts, booted: false }), person)
    assert.deepStrictEqual(keeperOf(system, unset, { ...facts, cgroup: null }), person)
    assert.deepStrictEqual(keeperOf(system, unset, { ...facts, cgroup: "0::/" }), person)
    assert.isFalse(isOurs(person))
  })

  it("is read from the control group: services of the system, not sessions and not those of a user", () => {
    assert.strictEqual(unitOf("0::/system.slice/system-nginx.slice/nginx@a.service\n"), "nginx@a.service")
    assert.isNull(unitOf("0::/user.slice/user-0.slice/session-3.scope\n"))
    assert.isNull(unitOf("0::/user.slice/user-0.slice/user@0.service\n"))
    assert.isNull(unitOf("12:cpu:/docker/abc\n0::/docker/abc\n"))
  })

  it("is set by the name of a unit, which is no option and no path", () => {
    assert.deepStrictEqual(readUnit("nginx"), readUnit("nginx.service"))
    for (const text of ["--now", "../x", "a b", ""]) assert.strictEqual(readUnit(text)._tag, "Failure", text)
  })
})

describe("a pid file", () => {
  const own = { prefix: "/p" }
  const master = { pid: 7, isMaster: true, prefix: "/p" }
  const facts = { named: master, upgrading: false, holders: [7] }

  it("that names our master is left, and so is any while another binary takes over", () => {
    assert.deepStrictEqual(decide(facts, own), { _tag: "Nothing" })
    assert.deepStrictEqual(decide({ ...facts, named: null, upgrading: true }, own), { _tag: "Nothing" })
  })

  it("that names nobody, or a stranger, names the one that holds our proof socket", () => {
    assert.deepStrictEqual(decide({ ...facts, named: null }, own), { _tag: "Write", pid: 7 })
    const stranger = { pid: 9, isMaster: false, prefix: null }
    assert.deepStrictEqual(decide({ ...facts, named: stranger }, { prefix: null }), { _tag: "Write", pid: 7 })
  })

  it("of our own that names another nginx, as after a boot, is removed when none of ours runs", () => {
    const other = { ...master, prefix: null }
    assert.deepStrictEqual(decide({ ...facts, named: other, holders: [] }, own), { _tag: "Remove" })
    // Not ours to remove, and an nginx all the same.
    assert.deepStrictEqual(decide({ ...facts, named: other, holders: [] }, { prefix: null }), { _tag: "Nothing" })
  })

  it("is left when nobody, or more than one, holds the socket", () => {
    assert.deepStrictEqual(decide({ ...facts, named: null, holders: [] }, own), { _tag: "Nothing" })
    assert.deepStrictEqual(decide({ ...facts, named: null, holders: [7, 8] }, own), { _tag: "Nothing" })
  })
})

describe("the wish to have nginx stopped", () => {
  const stop: Stop = { master: { pid: 7, startTicks: "70" }, unit: null }

  it("is over when another master runs, also one of the same number", () => {
    assert.isFalse(isOver(stop, null))
    assert.isFalse(isOver(stop, { pid: 7, startTicks: "70" }))
    assert.isTrue(isOver(stop, { pid: 7, startTicks: "71" }))
    assert.isTrue(isOver({ ...stop, master: null }, { pid: 7, startTicks: "70" }))
  })

  it.effect("outlives the agent, and a file that cannot be read wants nginx to run", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const wished = <A, E>(effect: (wish: NginxWish["Service"]) => Effect.Effect<A, E>) =>
        Effect.flatMap(NginxWish, effect).pipe(Effect.provide(NginxWish.layer(directory)))
      assert.strictEqual(yield* wished(({ get }) => get), "running")
      yield* wished(({ set }) => set(stop))
      assert.deepStrictEqual(yield* wished((wish) => wish.stop), stop)
      assert.strictEqual(yield* wished(({ get }) => get), "stopped")
      yield* Effect.promise(() => writeFile(join(directory, "nginx-wish.json"), "{"))
      assert.strictEqual(yield* wished(({ get }) => get), "running")
    })
  )
})

describe("the program that a master was started as", () => {
  it("is in its title, before its options", () => {
    assert.strictEqual(
      programIn("nginx: master process /usr/sbin/nginx -g daemon on; master_process on;"),
      "/usr/sbin/nginx"
    )
    assert.strictEqual(programIn("nginx: master process /opt/my-nginx/nginx"), "/opt/my-nginx/nginx")
  })
})
