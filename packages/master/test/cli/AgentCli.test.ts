/** The operator's commands for agents, against a master whose agents are simulated. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { FakeAgents, layerTestMasterWithAgents } from "../api/support/FakeAgents.ts"
import { makeWorkspace } from "../api/support/Fixtures.ts"
import { ask, login } from "../api/support/Client.ts"
import { adminEmail, adminPassword, TestMaster } from "../api/support/TestMaster.ts"
import { nxmesh } from "./CommandLine.ts"

const loggedIn = Effect.gen(function* () {
  const { origin } = yield* TestMaster
  const path = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "nxmesh-cli-"))),
    (directory) => Effect.promise(() => rm(directory, { recursive: true, force: true }))
  )
  const passwordFile = join(path, "password")
  yield* Effect.promise(() => writeFile(passwordFile, `${adminPassword}\n`))
  const at = { url: origin, sessionFile: join(path, "sessions.json") }
  const done = yield* nxmesh(at, "login", "--email", adminEmail, "--password-file", passwordFile)
  assert.strictEqual(done.code, 0, done.err)
  return at
})

const makeAgent = Effect.fnUntraced(function* (name: string) {
  const token = yield* login()
  const created = yield* ask("POST", "/api/v1/agents", {
    token,
    body: { workspace_id: yield* makeWorkspace, name, labels: { env: "test" } }
  })
  assert.strictEqual(created.status, 201, created.text)
  return created.body.data.id as string
})

layer(layerTestMasterWithAgents, { excludeTestServices: true })("nxmesh agent", (it) => {
  it.effect("lists agents with their state and why, and shows one with its policy and what was asked of it", () =>
    Effect.gen(function* () {
      const at = yield* loggedIn
      const id = yield* makeAgent("listed-1")
      const list = yield* nxmesh(at, "agent", "list", "--labels", "env=test")
      assert.match(list.out, /listed-1 +Pending +nothing yet/)
      assert.include(list.out, id)
      assert.include((yield* nxmesh(at, "agent", "list", "--state", "Offline")).out, "there are no such agents")
      yield* nxmesh(at, "agent", "reload", "listed-1")
      const show = yield* nxmesh(at, "agent", "show", "listed-1")
      assert.match(show.out, /drift +revert +above it/)
      assert.match(show.out, /reload +done/)
      assert.deepInclude(JSON.parse((yield* nxmesh(at, "agent", "show", id, "--json")).out).agent, { id })
    })
  )

  it.effect("waits for what became of an action, and ends with 1 and nginx's words when it did not succeed", () =>
    Effect.gen(function* () {
      const at = yield* loggedIn
      const id = yield* makeAgent("acting-1")
      const fake = yield* FakeAgents
      for (const name of ["start", "stop", "reload", "restart", "test"]) {
        const done = yield* nxmesh(at, "agent", name, "acting-1")
        assert.deepStrictEqual([done.code, done.out], [0, `${name}: it is done`], done.err)
      }
      fake.answers = "failed"
      const failed = yield* nxmesh(at, "agent", "test", id)
      assert.strictEqual(failed.code, 1)
      assert.include(failed.err, "test: it is failed")
      assert.include(failed.err, 'unknown directive "servr"')
      const json = yield* nxmesh(at, "agent", "test", id, "--json")
      assert.deepStrictEqual([json.code, JSON.parse(json.out).status], [1, "failed"])
      fake.answers = "done"
    })
  )

  it.effect("rolls back and puts in maintenance, which the list tells the reason of, until it is ended", () =>
    Effect.gen(function* () {
      const at = yield* loggedIn
      yield* makeAgent("kept-1")
      const wrong = yield* nxmesh(at, "agent", "rollback", "kept-1", "--to", "yesterday")
      assert.strictEqual(wrong.code, 2)
      const to = "0190a000-0000-7000-8000-0000000000aa"
      assert.strictEqual((yield* nxmesh(at, "agent", "rollback", "kept-1", "--to", to)).code, 0)
      assert.include((yield* nxmesh(at, "agent", "list")).out, `kept-1: rolled back to deployment ${to}`)
      assert.strictEqual((yield* nxmesh(at, "agent", "maintenance", "off", "kept-1")).code, 0)
      assert.notInclude((yield* nxmesh(at, "agent", "list")).out, "kept-1: rolled back")
      const on = yield* nxmesh(at, "agent", "maintenance", "on", "kept-1", "--reason", "a new disk")
      assert.strictEqual(on.code, 0, on.err)
      assert.match((yield* nxmesh(at, "agent", "list")).out, /kept-1: .*a new disk/)
    })
  )

  it.effect("shows and chooses a policy, one word at a time, and forgets it", () =>
    Effect.gen(function* () {
      const at = yield* loggedIn
      yield* makeAgent("choosy-1")
      const chosen = yield* nxmesh(at, "agent", "policy", "choosy-1", "--drift", "alert")
      assert.match(chosen.out, /drift +alert +for this agent/)
      const more = yield* nxmesh(at, "agent", "policy", "choosy-1", "--report-interval-seconds", "60")
      assert.match(more.out, /drift +alert +for this agent/)
      assert.match(more.out, /report_interval_seconds +60 +for this agent/)
      assert.strictEqual((yield* nxmesh(at, "agent", "policy", "choosy-1", "--report-interval-seconds", "1")).code, 2)
      assert.match((yield* nxmesh(at, "agent", "policy", "choosy-1", "--clear")).out, /drift +revert +above it/)
    })
  )

  it.effect("names what there is when a name is of nobody, or of several", () =>
    Effect.gen(function* () {
      const at = yield* loggedIn
      const ids = [yield* makeAgent("twin"), yield* makeAgent("twin")]
      const twins = yield* nxmesh(at, "agent", "stop", "twin")
      assert.strictEqual(twins.code, 1)
      for (const id of ids) assert.include(twins.err, id)
      assert.include((yield* nxmesh(at, "agent", "show", "nobody")).err, "there is no agent nobody")
    })
  )
})
