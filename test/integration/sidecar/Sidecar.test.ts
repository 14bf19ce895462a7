/** An agent that drives the nginx of another container, with the rights that Docker and a restricted Kubernetes pod give. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { chownSync } from "node:fs"
import { join } from "node:path"
import { freePort } from "../agent/Instance.ts"
import { canMakePods, dockerRights, pod, restrictedRights } from "./Pod.ts"

/** www-data of Debian, and somebody else. */
const nginxUser = 33
const otherUser = 65_534

describe.skipIf(!canMakePods())("an agent beside the nginx of another container", () => {
  it.live("with Docker's rights tests in that container before anything changes, and proves what it deployed", () =>
    Effect.gen(function* () {
      const { agent } = yield* pod({ rights: dockerRights, init: "nginx" })
      const report = yield* agent({ rights: dockerRights, port: yield* freePort })
      assert.deepStrictEqual(
        [report.mode.tier, report.mode.test, report.mode.problems, report.mode.restart],
        [1, "chroot", [], "runtime"]
      )
      assert.include(report.doctor.join("\n"), "include /etc/nginx/conf.d/current/*.conf; is there")
      assert.include(report.doctor.join("\n"), "ok      tier 1")
      assert.notInclude(report.doctor.join("\n"), "PROBLEM")
      // nginx is process 1 of the namespace that both share, and none of its files are the agent's.
      assert.deepStrictEqual([report.pid, report.ownFiles], [1, []])
      assert.notTypeOf(report.nginx, "string")
      assert.strictEqual(report.good.status, "settled", JSON.stringify(report.good))
      assert.deepStrictEqual(
        [report.bad.status, report.bad.error?.step],
        ["failed", "test"],
        JSON.stringify(report.bad)
      )
      // nginx names its own path, and the agent knows which of its files that is.
      assert.strictEqual(report.bad.error?.file, "http/20-host-a.test.conf")
      assert.strictEqual(report.served, "one")
    })
  )

  it.live("without any capability has the reload test, goes back, and names nginx's reason", () =>
    Effect.gen(function* () {
      const rights = restrictedRights(nginxUser)
      const { agent } = yield* pod({ rights, init: "runtime" })
      const report = yield* agent({ rights, port: yield* freePort, restart: true })
      assert.deepStrictEqual([report.mode.tier, report.mode.test, report.mode.problems], [2, "reload", []])
      assert.match(report.doctor.join("\n"), /^advice  tier 2.*SYS_CHROOT/m)
      // It may not run nginx's binary, and reads from it what -V would print.
      assert.notTypeOf(report.nginx, "string")
      assert.strictEqual(report.good.status, "settled", JSON.stringify(report.good))
      assert.deepStrictEqual([report.bad.status, report.bad.error?.step], ["rolled_back", "prove"])
      assert.include(report.bad.error?.message, "bogus")
      assert.strictEqual(report.bad.error?.file, "http/20-host-a.test.conf")
      assert.strictEqual(report.served, "one")
      // Its runtime started another nginx, which is adopted with what it serves, and deployed to.
      assert.notStrictEqual(report.later?.pid, report.pid)
      assert.deepStrictEqual([report.later?.outcome.status, report.later?.served], ["settled", "three"])
    })
  )

  it.live("as another user than nginx's deploys nothing and says whose rights are missing", () =>
    Effect.gen(function* () {
      const { agent, root } = yield* pod({ rights: restrictedRights(nginxUser), init: "runtime" })
      for (const name of ["conf", "run", "data"]) chownSync(join(root, name), otherUser, otherUser)
      const report = yield* agent({ rights: restrictedRights(otherUser), port: yield* freePort })
      assert.deepStrictEqual([report.mode.tier, report.mode.reload], [null, false])
      assert.match(report.doctor.join("\n"), /^PROBLEM the agent may not signal nginx/m)
      assert.include(report.mode.problems.join(), `uid is ${otherUser}, that of nginx is ${nginxUser}`)
      assert.notStrictEqual(report.good.status, "settled")
    })
  )

  it.live("drives the one that its pid file names when two run, and without it neither", () =>
    Effect.gen(function* () {
      const { agent, root } = yield* pod({ rights: dockerRights, init: "runtime", nginxes: 2 })
      const port = yield* freePort
      const torn = yield* agent({ rights: dockerRights, port })
      assert.notStrictEqual(torn.good.status, "settled")
      assert.include(torn.good.error?.message, "several nginx masters")
      const named = yield* agent({ rights: dockerRights, port, pidFile: `${root}/run/nginx-0.pid` })
      assert.deepStrictEqual([named.good.status, named.served], ["settled", "one"], JSON.stringify(named.good))
    })
  )
})
