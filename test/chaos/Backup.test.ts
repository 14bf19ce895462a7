/**
 * The runbook of docs/operating/backup.md, executed: real masters, an agent with a real nginx, a client that never stops
 * asking. A cluster is lost and restored; then a majority is lost, and what is left goes on.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Ref, Schedule } from "effect"
import { randomBytes } from "node:crypto"
import { readdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type ClusterMaster, startCluster, type TestCluster } from "../support/Cluster.ts"
import { administrator, agentIs, startAgent, temporaryDirectory, workspace } from "../support/Fleet.ts"
import { freePort } from "../support/FreePort.ts"
import { visit } from "../support/Site.ts"
import { until } from "../support/Wait.ts"
import { commandsUnder, type Operator, run } from "./Runbook.ts"

const host = "site.example"

const serves = (port: number, text: string) =>
  until(visit(port, host), (seen) => seen.text === text, { fact: `nginx serves ${text}`, timeoutMillis: 30_000 })

/** Asks again and again until the scope ends; what was not answered with 200. */
const askWithoutEnd = Effect.fnUntraced(function* (port: number) {
  const failures = yield* Ref.make<ReadonlyArray<string>>([])
  const once = visit(port, host).pipe(
    Effect.flatMap(({ status }) => (status === 200 ? Effect.void : Effect.fail(`answered ${status}`))),
    Effect.catch((error) => Ref.update(failures, (all) => [...all, String(error)]))
  )
  yield* Effect.forkScoped(Effect.repeat(once, Schedule.spaced(20)))
  return Ref.get(failures)
})

/** All that a machine has lost whose disk is gone. */
const wipe = ({ dataDirectory }: ClusterMaster) =>
  Effect.sync(() => {
    for (const name of readdirSync(dataDirectory)) rmSync(join(dataDirectory, name), { recursive: true })
  })

/** The settings of the first machine, as its settings file has them. */
const settingsFile = (directory: string, { dataDirectory, linkUrl, name, origin }: ClusterMaster, keyFile: string) => {
  const path = join(directory, "master.yaml")
  const settings = {
    data_dir: dataDirectory,
    node_name: name,
    secrets_key_file: keyFile,
    http_address: new URL(origin).host,
    advertise_agent: new URL(linkUrl).host
  }
  writeFileSync(
    path,
    Object.entries(settings)
      .map(([key, value]) => `${key}: ${value}\n`)
      .join("")
  )
  return path
}

const votersOf = (cluster: TestCluster, asked: ClusterMaster, count: number) =>
  until(
    cluster.view(asked),
    ({ masters }) => masters.length === count && masters.every(({ role }) => role === "leader" || role === "voter"),
    { fact: `${count} masters vote`, timeoutMillis: 90_000, everyMillis: 100 }
  )

/** Three masters, one of which agents know by its address, an agent with one site, and an operator. */
const operated = Effect.gen(function* () {
  const directory = yield* temporaryDirectory("operator")
  const keyFile = join(directory, "secrets.key")
  const passwordFile = join(directory, "password")
  writeFileSync(keyFile, randomBytes(32), { mode: 0o600 })
  writeFileSync(passwordFile, administrator.password)
  const environment = { NXMESH_SECRETS_KEY_FILE: keyFile }
  const cluster = yield* startCluster([{ environment }, { environment }, { environment }])
  const [first] = cluster.masters()
  if (first === undefined) return yield* Effect.die(new Error("there is no first master"))
  const operator: Operator = {
    names: {
      "/var/backups/nxmesh/latest.backup": join(directory, "latest.backup"),
      "/etc/nxmesh/master.yaml": settingsFile(directory, first, keyFile),
      "ada@example.com": administrator.email
    },
    environment: { NXMESH_URL: first.origin, NXMESH_SESSION_FILE: join(directory, "sessions.json") }
  }
  const api = cluster.api(first)
  const agent = yield* startAgent(
    {
      linkUrl: cluster
        .masters()
        .map(({ linkUrl }) => linkUrl)
        .join(",")
    },
    api,
    yield* workspace(api)
  )
  const port = yield* freePort
  const site = yield* api.expect(201, "POST", "/api/v1/virtual-hosts", {
    workspace_id: (yield* api.expect(200, "GET", `/api/v1/agents/${agent.id}`)).workspace_id,
    name: "site",
    server_name: host,
    listen_port: port,
    locations: [{ path: "/", return: { status: 200, text: "backed up" } }]
  })
  yield* serves(port, "backed up")
  const say = (text: string) =>
    Effect.andThen(
      api.expect(200, "PATCH", `/api/v1/virtual-hosts/${site.id}`, {
        locations: [{ path: "/", return: { status: 200, text } }]
      }),
      serves(port, text)
    )
  /** One step of the runbook: the line with these words, as it stands there. */
  const follow = (heading: string, ...marks: ReadonlyArray<string>) => {
    const words = commandsUnder("backup.md", heading).find((line) => marks.every((mark) => line.includes(mark)))
    if (words === undefined) return Effect.die(new Error(`${heading} has no command with ${marks.join(" ")}`))
    return run(operator, words, words[0] === "login" ? ["--password-file", passwordFile] : [])
  }
  return { agent, api, cluster, environment, first, follow, port, say }
})

type Operated = Effect.Success<typeof operated>

const online = ({ agent, api }: Operated) =>
  agentIs(api, agent.id, ({ state }) => state === "Online", "the agent came by itself", 60_000)

/** The agent came by itself, is held, and follows once the operator unfroze: back to what the state says. */
const frozenThenFollows = Effect.fnUntraced(function* (all: Operated, heading: string, held: string, due: string) {
  const { cluster, follow, first, port } = all
  yield* follow("Restoring a cluster", "login")
  const status = yield* follow("Restoring a cluster", "cluster", "status")
  assert.match(status, new RegExp(`deployments +frozen: ${heading}`))
  yield* cluster.renewToken
  yield* online(all)
  yield* serves(port, held)
  assert.strictEqual((yield* cluster.view(first)).masters.length, 1)
  yield* follow("Restoring a cluster", "unfreeze")
  yield* serves(port, due)
})

describe("The runbook of backups (rule 20)", () => {
  it.live(
    "restores a lost cluster, and goes on after a lost quorum, while nginx serves and the agent follows by itself",
    () =>
      Effect.gen(function* () {
        const all = yield* operated
        const { cluster, environment, first, follow, port, say } = all
        const failures = yield* askWithoutEnd(port)

        yield* follow("Restoring a cluster", "login")
        yield* follow("Taking backups", "--output")
        assert.match(yield* follow("Taking backups", "show"), /, whole\n/)
        yield* say("later one")
        yield* say("later two")

        const old = cluster.masters()
        for (const master of old) yield* master.kill
        for (const master of old) yield* wipe(master)
        assert.match(yield* follow("Restoring a cluster", "restore"), /restored: cluster .* deployments frozen/)
        yield* first.start
        yield* first.ready
        yield* frozenThenFollows(all, "restored", "later two", "backed up")

        assert.match(yield* follow("Restoring a cluster", "token", "create"), /NXMESH_JOIN_TOKEN=/)
        const second = yield* cluster.add({ environment })
        const third = yield* cluster.add({ environment })
        yield* votersOf(cluster, first, 3)
        yield* say("three again")

        // A majority is lost: of one machine the disk, of the other all but what it cannot tell.
        yield* second.kill
        yield* third.kill
        yield* first.kill
        yield* wipe(second)
        assert.match(yield* follow("After a lost quorum", "--inspect"), /ends with index \d+ of term \d+/)
        assert.match(yield* follow("After a lost quorum", "--yes"), /recovered: cluster .* deployments frozen/)
        yield* first.start
        yield* first.ready
        yield* frozenThenFollows(all, "recovered", "three again", "three again")
        yield* say("alone")

        yield* third.start
        yield* until(
          Effect.sync(() => third.program().ended()),
          (ended) => ended === 3,
          { fact: "an old member finds out that it is none any more", timeoutMillis: 60_000 }
        )
        assert.include(third.program().output(), "was removed from its cluster and stops")
        assert.include(first.program().output(), "was removed from this cluster")
        yield* cluster.add({ environment })
        yield* votersOf(cluster, first, 2)
        yield* say("goes on")
        assert.deepStrictEqual(yield* failures, [])
      }),
    { timeout: 300_000 }
  )
})
