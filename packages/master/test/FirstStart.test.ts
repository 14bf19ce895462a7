/** Goal: a data directory becomes a cluster of one exactly once, wherever a start is cut short. Method: the real program. */
import { existsSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { program } from "../../../test/support/Program.ts"
import { until } from "../../../test/support/Wait.ts"
import { layRecordedDirectory } from "./legacy/RecordedDirectory.ts"
import { directory, ended, environment, login, master, path } from "./MasterProgram.ts"

const nodeOf = (dataDirectory: string) =>
  JSON.parse(readFileSync(join(dataDirectory, "node.json"), "utf8")) as { node_id: string; cluster_id: string }

describe("a first start", () => {
  it.live(
    "that is killed at any step is gone on with, and makes one cluster",
    () =>
      Effect.gen(function* () {
        const dataDirectory = yield* directory
        for (const step of ["forming.json", "node.json", "raft/hardstate"]) {
          const running = yield* program({ path, environment: environment(dataDirectory) })
          yield* until(
            Effect.sync(() => existsSync(join(dataDirectory, step))),
            (there) => there,
            { fact: `${step} is there`, everyMillis: 1, timeoutMillis: 60_000 }
          )
          yield* running.end("SIGKILL")
        }
        const { cluster_id, node_id } = nodeOf(dataDirectory)
        const first = yield* master(dataDirectory)
        yield* login(first.api)
        assert.isFalse(existsSync(join(dataDirectory, "forming.json")))
        yield* first.end("SIGKILL")
        const second = yield* master(dataDirectory)
        yield* login(second.api)
        assert.deepInclude(nodeOf(dataDirectory), { cluster_id, node_id })
        assert.notInclude(second.output(), "made a new cluster")
      }),
    240_000
  )

  it.live(
    "on the data of 0.1.0 converts them once, with its people and keys",
    () =>
      Effect.gen(function* () {
        const dataDirectory = yield* directory
        layRecordedDirectory(dataDirectory)
        const first = yield* master(dataDirectory)
        yield* login(first.api)
        assert.notInclude(first.output(), "made a new cluster")
        assert.isTrue(existsSync(join(dataDirectory, "log.converted")))
        const { node_id } = nodeOf(dataDirectory)
        yield* first.end("SIGTERM")
        const second = yield* master(dataDirectory)
        yield* login(second.api)
        assert.strictEqual(nodeOf(dataDirectory).node_id, node_id)
        assert.notInclude(second.output(), "converted")
      }),
    240_000
  )

  it.live(
    "refuses the data of a cluster without an identity, and a token without a cluster to join",
    () =>
      Effect.gen(function* () {
        const dataDirectory = yield* directory
        const first = yield* master(dataDirectory)
        yield* first.end("SIGTERM")
        rmSync(join(dataDirectory, "node.json"))
        const refused = yield* program({ path, environment: environment(dataDirectory) })
        yield* ended(refused)
        assert.strictEqual(refused.ended(), 1)
        assert.include(refused.output(), "node.json")
        assert.isFalse(existsSync(join(dataDirectory, "node.json")))

        const token = `nxj1.${"ab".repeat(32)}.${"planted".repeat(4)}`
        const asked = { ...environment(yield* directory), NXMESH_JOIN_TOKEN: token }
        const lost = yield* program({ path, environment: asked })
        yield* ended(lost)
        assert.include(lost.output(), "NXMESH_JOIN does not say where to join")
        assert.notInclude(lost.output(), "planted")
      }),
    240_000
  )
})
