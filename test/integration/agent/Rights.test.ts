import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { promisify } from "node:util"
import { script } from "../../support/Scripts.ts"
import { freePort, temporaryInstance } from "./Instance.ts"

const runner = await script("agentOnce")

/** Root gives the right up; anyone else never had it. */
const withoutNamespaces =
  process.geteuid?.() === 0 ? ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"] : ["env"]

describe("an agent without the right to make mount namespaces", () => {
  it.live("tests by a copy of nginx.conf, deploys, and refuses what nginx refuses", () =>
    Effect.gen(function* () {
      const instance = yield* temporaryInstance
      const port = yield* freePort
      const [program = "env", ...rest] = withoutNamespaces
      const { stdout } = yield* Effect.promise(() =>
        promisify(execFile)(program, [...rest, process.execPath, runner, instance.prefix ?? "", String(port)])
      )
      const { error, first, mode, served, statuses } = JSON.parse(stdout)
      assert.deepStrictEqual([mode, statuses, served], ["wrapper", ["settled", "failed"], "one"], JSON.stringify(first))
      assert.strictEqual(error.file, "http/20-host-a.test.conf")
      assert.strictEqual(error.resource.name, "a.test")
    })
  )
})
