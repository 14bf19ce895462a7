/** A copy of nginx in the prefix is replaced under a running master, as a package does it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { chmod, copyFile, rename, writeFile } from "node:fs/promises"
import { existsSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import { ActionId } from "@nxmesh/protocol/Ids"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { ActionMemory } from "@nxmesh/agent/lifecycle/ActionMemory"
import { AgentActions } from "@nxmesh/agent/lifecycle/AgentActions"
import { Outcomes } from "@nxmesh/agent/link/Outcomes"
import type { NginxInstanceSettings } from "@nxmesh/agent/nginx/NginxInstance"
import * as NginxProcess from "@nxmesh/agent/nginx/NginxProcess"
import * as ProcessTable from "@nxmesh/agent/nginx/ProcessTable"
import { Preflight } from "@nxmesh/agent/preflight/Preflight"
import { deployingOn, type Tools } from "./Deploying.ts"
import { dataDirectory, get, nginxBinary, site, temporaryInstance, Trees, until } from "./Instance.ts"

let actions = 0

/** Puts another file in the place of the binary, as dpkg does: the running one keeps its inode. */
const replace = (instance: NginxInstanceSettings, script: string | null = null) =>
  Effect.promise(async () => {
    const next = `${instance.binary}.next`
    await (script === null ? copyFile(nginxBinary, next) : writeFile(next, script))
    await chmod(next, 0o755)
    await rename(next, instance.binary)
  })

const upgrading = <A, E, R>(
  body: (tools: Tools & { readonly upgrade: ReturnType<AgentActions["Service"]["perform"]> }) => Effect.Effect<A, E, R>
) =>
  Effect.gen(function* () {
    const found = yield* temporaryInstance
    const instance = { ...found, binary: join(found.prefix ?? "", "nginx") }
    yield* replace(instance)
    return yield* deployingOn(instance, new Trees(), (tools) =>
      Effect.gen(function* () {
        assert.strictEqual((yield* tools.apply([site("a.test", tools.port, "one")])).status, "settled")
        const { perform } = yield* AgentActions
        const upgrade = Effect.suspend(() => {
          actions += 1
          const id = ActionId.make(`00000000-0000-4000-a000-${String(actions).padStart(12, "0")}`)
          return perform(id, { _tag: "upgrade_binary" })
        })
        return yield* body({ ...tools, upgrade })
      }).pipe(
        Effect.provide(
          AgentActions.layer.pipe(
            Layer.provide(
              Layer.mergeAll(
                Outcomes.layer,
                Preflight.layerNone,
                Identifiers.layer,
                ActionMemory.layer(dataDirectory(instance))
              )
            )
          )
        )
      )
    )
  })

const masterOf = (instance: NginxInstanceSettings) => NginxProcess.find(instance.pidFile)

describe("an upgrade of nginx's binary", () => {
  it.live("hands over to the new one, which takes deployments, while a client of the old one is served", () =>
    upgrading(({ apply, instance, port, upgrade }) =>
      Effect.gen(function* () {
        assert.strictEqual((yield* upgrade).status, "unchanged")
        const old = yield* masterOf(instance)
        const client = connect(port, "127.0.0.1")
        let answer = ""
        client.setEncoding("utf8").on("data", (chunk: string) => (answer += chunk))
        yield* Effect.callback<void>((resume) => {
          client.once("connect", () => client.write("GET / HTTP/1.0\r\nHost: a.te", () => resume(Effect.void)))
        })
        yield* replace(instance)
        const outcome = yield* upgrade
        assert.strictEqual(outcome.status, "done", outcome.message)
        assert.include(outcome.message, "last clients")
        const next = yield* masterOf(instance)
        assert.notStrictEqual(next.pid, old.pid)
        assert.strictEqual(yield* get(port, "a.test"), "one")
        client.write("st\r\n\r\n")
        yield* until(Effect.sync(() => answer.endsWith("one")))
        yield* until(Effect.sync(() => !ProcessTable.isAlive(old)))
        // The old one's end took neither the socket nor the pid file away.
        assert.isTrue(existsSync(join(instance.runtimeDirectory, "proof.sock")))
        assert.strictEqual((yield* masterOf(instance)).pid, next.pid)
        assert.strictEqual((yield* apply([site("a.test", port, "two")])).status, "settled")
        assert.strictEqual(yield* get(port, "a.test"), "two")
      })
    )
  )

  it.live("by a package is adopted, and a deployment waits until one binary serves alone", () =>
    upgrading(({ apply, instance, port }) =>
      Effect.gen(function* () {
        const old = yield* masterOf(instance)
        yield* replace(instance)
        yield* NginxProcess.signal(old, "SIGUSR2")
        yield* until(
          Effect.map(
            Effect.result(masterOf(instance)),
            (found) => found._tag === "Success" && found.success.pid !== old.pid
          )
        )
        const next = yield* masterOf(instance)
        yield* until(Effect.sync(() => NginxProcess.activeWorkers(next).length > 0))
        assert.isNotNull(NginxProcess.predecessor(next))
        const [outcome] = yield* Effect.all(
          [apply([site("a.test", port, "two")]), NginxProcess.signal(old, "SIGQUIT")],
          { concurrency: 2 }
        )
        assert.strictEqual(outcome.status, "settled", JSON.stringify(outcome.error))
        assert.strictEqual(yield* get(port, "a.test"), "two")
        assert.strictEqual((yield* masterOf(instance)).pid, next.pid)
      })
    )
  )

  it.live("to one that refuses the configuration, or that does not start, leaves the old one as it is", () =>
    upgrading(({ apply, instance, port, upgrade }) =>
      Effect.gen(function* () {
        const old = yield* masterOf(instance)
        yield* replace(instance, "#!/bin/sh\necho 'nginx: [emerg] not today' >&2\nexit 1\n")
        const refused = yield* upgrade
        assert.strictEqual(refused.status, "failed")
        assert.include(refused.message, "not today")
        yield* replace(instance, `#!/bin/sh\ncase " $* " in *" -T "*) exec ${nginxBinary} "$@";; esac\nexit 1\n`)
        const ended = yield* upgrade
        assert.strictEqual(ended.status, "failed")
        assert.include(ended.message, "does not start")
        assert.strictEqual((yield* masterOf(instance)).pid, old.pid)
        yield* replace(instance)
        assert.strictEqual((yield* apply([site("a.test", port, "two")])).status, "settled")
      })
    )
  )

  it.live("to one that starts and does not serve is undone", () =>
    upgrading(({ apply, instance, port, upgrade }) =>
      Effect.gen(function* () {
        const old = yield* masterOf(instance)
        // It takes the pid file and calls itself a master, and no more than that.
        const stranger = `echo $$ > ${instance.pidFile}\nexec -a "nginx: master process" sleep 60`
        yield* replace(instance, `#!/bin/bash\ncase " $* " in *" -T "*) exec ${nginxBinary} "$@";; esac\n${stranger}\n`)
        const outcome = yield* upgrade
        assert.strictEqual(outcome.status, "failed")
        assert.include(outcome.message, "does not serve")
        assert.strictEqual((yield* masterOf(instance)).pid, old.pid, outcome.message)
        assert.strictEqual(yield* get(port, "a.test"), "one")
        yield* replace(instance)
        assert.strictEqual((yield* apply([site("a.test", port, "two")])).status, "settled")
      })
    )
  )
})
