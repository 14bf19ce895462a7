/** The operator's command line against a master's API. */
import { assert, layer } from "@effect/vitest"
import { clusterVersions } from "@nxmesh/protocol/ClusterVersion"
import { Effect } from "effect"
import { existsSync } from "node:fs"
import { createServer, type Server } from "node:http"
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { freePort } from "../../../../test/support/FreePort.ts"
import { FakeCluster, threeMasters } from "../api/support/FakeCluster.ts"
import { adminEmail, adminPassword, layerTestMaster, TestMaster } from "../api/support/TestMaster.ts"
import { Commands } from "../../src/command/Commands.ts"
import { description, masterId } from "../state/TestCluster.ts"
import { system } from "../state/TestMaster.ts"
import { nxmesh, type Place } from "./CommandLine.ts"

const directory = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "nxmesh-cli-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)

/** Where a command line runs that is not logged in yet, and the file with the administrator's password. */
const place = Effect.gen(function* () {
  const { origin } = yield* TestMaster
  const path = yield* directory
  const passwordFile = join(path, "password")
  yield* Effect.promise(() => writeFile(passwordFile, `${adminPassword}\n`))
  return { url: origin, sessionFile: join(path, "a", "sessions.json"), passwordFile }
})

const loggedIn = Effect.gen(function* () {
  const at = yield* place
  const login = yield* nxmesh(at, "login", "--email", adminEmail, "--password-file", at.passwordFile)
  assert.deepStrictEqual([login.code, login.err], [0, ""])
  return at
})

/** A server that answers every request with these bytes, as if they were all. */
const answering = (bytes: Uint8Array) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<Server>((resume) => {
        const server = createServer((_request, response) => {
          response.setHeader("content-type", "application/vnd.nxmesh.backup")
          response.end(bytes)
        })
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) => Effect.sync(() => server.close())
    ),
    (server) => {
      const address = server.address()
      return `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`
    }
  )

const parsed = (text: string): any => JSON.parse(text)

layer(layerTestMaster, { excludeTestServices: true })("nxmesh", (it) => {
  it.effect("login keeps a session that only its owner can read, and logout forgets it", () =>
    Effect.gen(function* () {
      const at = yield* loggedIn
      const { mode } = yield* Effect.promise(() => stat(at.sessionFile))
      assert.strictEqual(mode & 0o777, 0o600)
      assert.strictEqual((yield* nxmesh(at, "cluster", "token", "list")).code, 0)
      assert.strictEqual((yield* nxmesh(at, "logout")).out, `the session at ${at.url} has ended`)
      assert.include((yield* nxmesh(at, "logout")).out, "you were not logged in")
      const after = yield* nxmesh(at, "cluster", "status")
      assert.strictEqual(after.code, 1)
      assert.include(after.err, `nxmesh login --url ${at.url}`)
    })
  )

  it.effect("a wrong password is refused, and neither it nor a token is ever printed", () =>
    Effect.gen(function* () {
      const at = yield* place
      yield* Effect.promise(() => writeFile(at.passwordFile, "not the password\n"))
      const wrong = yield* nxmesh(at, "login", "--email", adminEmail, "--password-file", at.passwordFile)
      assert.strictEqual(wrong.code, 1)
      assert.notInclude(wrong.err, "not the password")
      const good = yield* loggedIn
      const session = parsed(yield* Effect.promise(() => readFile(good.sessionFile, "utf8")))[good.url]
      const status = yield* nxmesh(good, "cluster", "status", "--json")
      for (const secret of [session.access_token, session.refresh_token]) assert.notInclude(status.out, secret)
    })
  )

  it.effect("a session file that others can read, or that is damaged, is refused with what to do", () =>
    Effect.gen(function* () {
      const at = yield* loggedIn
      yield* Effect.promise(() => chmod(at.sessionFile, 0o644))
      const open = yield* nxmesh(at, "cluster", "status")
      assert.strictEqual(open.code, 1)
      assert.include(open.err, `chmod 600 ${at.sessionFile}`)
      yield* Effect.promise(() => chmod(at.sessionFile, 0o600).then(() => writeFile(at.sessionFile, "{")))
      assert.include((yield* nxmesh(at, "cluster", "status")).err, "is damaged: delete it")
    })
  )

  it.effect("an access token that ends is replaced by the refresh token, once", () =>
    Effect.gen(function* () {
      const at = yield* loggedIn
      const text = yield* Effect.promise(() => readFile(at.sessionFile, "utf8"))
      const sessions = parsed(text)
      sessions[at.url].access_ends_at_millis = 0
      yield* Effect.promise(() => writeFile(at.sessionFile, JSON.stringify(sessions)))
      assert.strictEqual((yield* nxmesh(at, "cluster", "token", "list")).code, 0)
      const next = parsed(yield* Effect.promise(() => readFile(at.sessionFile, "utf8")))[at.url]
      assert.notStrictEqual(next.refresh_token, parsed(text)[at.url].refresh_token)
      assert.isAbove(next.access_ends_at_millis, 0)
    })
  )

  it.effect("status and masters print tables that line up, with the advice below", () =>
    Effect.gen(function* () {
      yield* threeMasters([3])
      const at = yield* loggedIn
      const status = yield* nxmesh(at, "cluster", "status")
      assert.strictEqual(status.code, 0, status.err)
      const lines = status.out.split("\n")
      assert.match(lines[1] ?? "", /^leader +m1, term 3$/)
      assert.match(lines[2] ?? "", /^voters +3, which tolerate one failure$/)
      const rows = lines.filter((line) => /^(NAME|m[123]) /.test(line))
      const roleAt = rows[0]?.indexOf("ROLE")
      assert.deepStrictEqual(
        rows.map((row) => row.slice(roleAt).split(" ", 1)[0]),
        ["ROLE", "leader", "voter", "voter"]
      )
      assert.include(status.out, "! one more failure stops the cluster: bring back m3")
      const masters = yield* nxmesh(at, "cluster", "masters")
      assert.include(masters.out, "m3: does not answer")
      assert.strictEqual(parsed((yield* nxmesh(at, "cluster", "masters", "--json")).out).length, 3)
    })
  )

  it.effect("a token is created with the command that joins, listed without its text, and revoked by its id", () =>
    Effect.gen(function* () {
      yield* threeMasters()
      const at = yield* loggedIn
      const created = yield* nxmesh(at, "cluster", "token", "create", "--ttl-seconds", "600")
      assert.match(created.out, /\nNXMESH_JOIN=\S+ NXMESH_JOIN_TOKEN=nxj1\.\S+ nxmesh-master\n/)
      const id = /^token (\S+),/.exec(created.out)?.[1] ?? ""
      const listed = yield* nxmesh(at, "cluster", "token", "list")
      assert.include(listed.out, id)
      assert.notInclude(listed.out, "nxj1.")
      assert.strictEqual((yield* nxmesh(at, "cluster", "token", "revoke", id)).out, `token ${id} is revoked`)
      const again = yield* nxmesh(at, "cluster", "token", "revoke", id)
      assert.deepStrictEqual([again.code, again.out], [1, ""])
      assert.strictEqual((yield* nxmesh(at, "cluster", "token", "revoke", "nxj1.00.secret")).code, 2)
      const long = yield* nxmesh(at, "cluster", "token", "create", "--ttl-seconds", "1")
      assert.strictEqual(long.code, 2)
    })
  )

  it.effect("masters are named by name or id; the refusal of a change names who is down", () =>
    Effect.gen(function* () {
      yield* threeMasters([3])
      const at = yield* loggedIn
      const demoted = yield* nxmesh(at, "cluster", "demote", "m2")
      assert.strictEqual(demoted.code, 1)
      assert.include(demoted.err, "Bring back or remove first: m3")
      assert.include(demoted.err, "(m3): does not answer")
      assert.include((yield* nxmesh(at, "cluster", "demote", masterId(3))).out, "m3 only listens from here on")
      yield* threeMasters()
      assert.include((yield* nxmesh(at, "cluster", "promote", "m3")).out, "m3 is to vote")
      const unknown = yield* nxmesh(at, "cluster", "promote", "m9")
      assert.include(unknown.err, "there is no master m9: there are m1, m2, m3")
    })
  )

  it.effect("transfer waits until the other one leads, and says so when it does not", () =>
    Effect.gen(function* () {
      const { fake, masters } = yield* threeMasters()
      const at = yield* loggedIn
      const [first = masterId(1), second = masterId(2)] = masters
      fake.live = { ...fake.live, leaderId: second }
      assert.strictEqual((yield* nxmesh(at, "cluster", "transfer", "m2")).out, "m2 leads")
      fake.live = { ...fake.live, leaderId: first }
      const stuck = yield* nxmesh(at, "cluster", "transfer", "--wait-seconds", "1")
      assert.strictEqual(stuck.code, 1)
      assert.include(stuck.err, "does not lead yet")
      assert.deepStrictEqual((yield* FakeCluster).handedOver, [second])
    })
  )

  it.effect("freeze and unfreeze", () =>
    Effect.gen(function* () {
      yield* threeMasters()
      const at = yield* loggedIn
      assert.strictEqual((yield* nxmesh(at, "cluster", "freeze")).code, 2, "a reason is needed")
      assert.strictEqual((yield* nxmesh(at, "cluster", "freeze", "--reason", "a bad release")).code, 0)
      assert.match((yield* nxmesh(at, "cluster", "status")).out, /deployments +frozen: a bad release/)
      assert.isFalse(parsed((yield* nxmesh(at, "cluster", "unfreeze", "--json")).out).frozen)
    })
  )

  it.effect("upgrade says that there is nothing to rise to, or who holds the cluster back (rule 6)", () =>
    Effect.gen(function* () {
      const { id } = yield* threeMasters()
      const at = yield* loggedIn
      const { highest } = clusterVersions
      const newest = yield* nxmesh(at, "cluster", "upgrade")
      assert.deepStrictEqual(
        [newest.code, newest.out],
        [0, `the cluster is at version ${highest}, and none of its masters knows a newer one`]
      )
      const knows = { cluster_versions: { lowest: 1, highest: highest + 1 } }
      const commands = yield* Commands
      yield* commands.submit({
        principal: system,
        command: { _tag: "DescribeMaster", master: { ...description(1, knows), id } }
      })
      const held = yield* nxmesh(at, "cluster", "upgrade")
      assert.strictEqual(held.code, 1)
      assert.include(held.err, "upgrade m2, m3 first")
      assert.include((yield* nxmesh(at, "cluster", "status")).out, "m2, which runs 0.2.0 and knows versions up to")
    })
  )

  it.effect("backup writes the file whole, and names what is missing", () =>
    Effect.gen(function* () {
      const at = yield* loggedIn
      const path = yield* directory
      const file = join(path, "a.backup")
      const unnamed = yield* nxmesh(at, "backup")
      assert.deepStrictEqual([unnamed.code, unnamed.out], [2, ""])
      assert.include(unnamed.err, "--output")
      const taken = yield* nxmesh(at, "backup", "--output", file, "--json")
      assert.strictEqual(taken.code, 0, taken.err)
      assert.strictEqual(parsed(taken.out).header.epoch, 1)
      const whole = yield* Effect.promise(() => readFile(file))
      assert.strictEqual(parsed((yield* nxmesh(at, "backup", "show", file, "--json")).out).bytes, whole.length)
      yield* Effect.promise(() => writeFile(file, whole.subarray(0, whole.length - 1)))
      const cut = yield* nxmesh(at, "backup", "show", file)
      assert.strictEqual(cut.code, 1)
      assert.include(cut.err, "is damaged or cut short")
      const nowhere = yield* nxmesh(at, "backup", "--output", join(path, "none", "a.backup"))
      assert.strictEqual(nowhere.code, 1)
      assert.include(nowhere.err, "cannot be made")
    })
  )

  it.effect("an answer that ends too early leaves no backup", () =>
    Effect.gen(function* () {
      const at = yield* loggedIn
      const file = join(yield* directory, "a.backup")
      const whole = yield* nxmesh(at, "backup", "--output", file)
      assert.strictEqual(whole.code, 0, whole.err)
      const content = yield* Effect.promise(() => readFile(file))
      const liar = yield* answering(content.subarray(0, content.length - 40))
      const sessions = parsed(yield* Effect.promise(() => readFile(at.sessionFile, "utf8")))
      yield* Effect.promise(() => writeFile(at.sessionFile, JSON.stringify({ [liar]: sessions[at.url] })))
      const other = `${file}.2`
      const cut = yield* nxmesh({ ...at, url: liar }, "backup", "--output", other)
      assert.strictEqual(cut.code, 1)
      assert.include(cut.err, "is damaged or cut short")
      for (const path of [other, `${other}.part`]) assert.isFalse(existsSync(path))
    })
  )

  it.effect("remove takes a dead master out", () =>
    Effect.gen(function* () {
      yield* threeMasters([3])
      const at = yield* loggedIn
      assert.include((yield* nxmesh(at, "cluster", "remove", "m3")).out, "m3 is removed, for good")
      assert.strictEqual((yield* nxmesh(at, "cluster", "remove", "m3")).code, 1)
    })
  )

  it.effect("exit codes: 2 for wrong usage, 3 when nobody answers, and nothing on the output of either", () =>
    Effect.gen(function* () {
      const at = yield* loggedIn
      for (const words of [["bogus"], ["cluster", "remove"], ["cluster", "status", "--colour"]]) {
        assert.strictEqual((yield* nxmesh(at, ...words)).code, 2, words.join(" "))
      }
      assert.strictEqual((yield* nxmesh(at, "cluster", "status", "--url", "ftp://x")).code, 2)
      const port = yield* freePort
      const nobody: Place = { ...at, url: `http://127.0.0.1:${port}` }
      const silent = yield* nxmesh(nobody, "login", "--email", adminEmail, "--password-file", at.passwordFile)
      assert.deepStrictEqual([silent.code, silent.out], [3, ""])
      assert.include(silent.err, "no master answers")
    })
  )

  it.effect("every command has help", () =>
    Effect.gen(function* () {
      const at = yield* place
      const commands = ["status", "masters", "token", "remove", "demote", "promote", "transfer", "freeze", "unfreeze"]
      const offline = [["backup"], ["backup", "show"], ["restore"], ["cluster", "recover"]]
      for (const words of [["login"], ["logout"], ...offline, ...commands.map((word) => ["cluster", word])]) {
        const { code, out } = yield* nxmesh(at, ...words, "--help")
        assert.strictEqual(code, 0, words.join(" "))
        assert.match(out, /DESCRIPTION\n +\S.{10}/)
      }
    })
  )
})
