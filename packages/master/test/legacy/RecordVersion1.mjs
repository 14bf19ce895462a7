/**
 * Made data-version-1.json.gz: what a master that is a cluster of one at cluster version 1 leaves after a power cut (commit
 * 8f9fd62, the last one that knows no other version). Run in a checkout of that commit:
 *
 *   node packages/master/test/legacy/RecordVersion1.mjs data-version-1.json.gz
 *
 * An agent with an nginx enrols and deploys. Raft's log is cut in small segments, and snapshots are frequent, so that the
 * directory holds a snapshot, a log that begins behind the first entry, and entries after the snapshot.
 */
import { spawn } from "node:child_process"
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, relative } from "node:path"
import { argv, env, execPath, kill } from "node:process"
import { DatabaseSync } from "node:sqlite"
import { setTimeout as wait } from "node:timers/promises"
import { gzipSync } from "node:zlib"

const email = "admin@example.com"
const password = "correct horse battery"

/** Replaces bounds in the text of the modules that have them. */
const smallLog = `data:text/javascript,${encodeURIComponent(`
import { registerHooks } from "node:module"
const bounds = {
  "/node/NodeOptions.ts": [["snapshotLogBytes: 64 * 1_048_576", "snapshotLogBytes: 16_384"], ["trailingEntries: 10_000", "trailingEntries: 5"]],
  "/raft/src/Limits.ts": [["segmentBytes: 16 * 1_048_576", "segmentBytes: 16_384"]]
}
registerHooks({
  load: (url, context, next) => {
    const loaded = next(url, context)
    const found = Object.entries(bounds).find(([end]) => url.endsWith(end))
    if (found === undefined) return loaded
    let source = loaded.source.toString()
    for (const [from, to] of found[1]) {
      if (!source.includes(from)) throw new Error(from)
      source = source.replace(from, to)
    }
    return { ...loaded, source }
  }
})`)}`

const start = (path, environment, options = []) => {
  const child = spawn(execPath, [...options, path], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { PATH: env.PATH, ...environment }
  })
  let output = ""
  const said = (pattern) =>
    new Promise((resolve, reject) => {
      const look = () => {
        const found = pattern.exec(output)
        if (found !== null) resolve(found)
      }
      child.on("exit", () => reject(new Error(output)))
      child.stdout.on("data", look)
      look()
    })
  child.stdout.on("data", (text) => (output += text))
  const ended = new Promise((resolve) => child.on("exit", resolve))
  return { said, end: (signal) => (child.kill(signal), ended) }
}

const startMaster = async (dataDirectory) => {
  const master = start(
    "packages/master/src/main.ts",
    {
      NXMESH_HTTP_ADDRESS: "127.0.0.1:0",
      NXMESH_AGENT_ADDRESS: "127.0.0.1:0",
      NXMESH_PEER_ADDRESS: "127.0.0.1:0",
      NXMESH_DATA_DIR: dataDirectory,
      NXMESH_ADMIN_EMAIL: email,
      NXMESH_ADMIN_PASSWORD: password
    },
    ["--import", smallLog]
  )
  const [, api] = await master.said(/"api":"([^"]+)"/)
  const [, link] = await master.said(/"agents":"([^"]+)"/)
  return { ...master, api, link }
}

const client = async (api) => {
  const send = async (method, path, body, token) => {
    const response = await fetch(`${api}/api/v1/${path}`, {
      method,
      headers: {
        "content-type": "application/json",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` })
      },
      body: body === undefined ? undefined : JSON.stringify(body)
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return text === "" ? undefined : JSON.parse(text).data
  }
  const { access_token: token } = await send("POST", "auth/login", { email, password })
  return (method, path, body) => send(method, path, body, token)
}

const site = (workspace_id, number) => ({
  workspace_id,
  name: `site-${number}`,
  server_name: `site-${number}.example.com`,
  listen_port: 18_080,
  locations: [{ path: "/", return: { status: 404, text: "nothing here" } }]
})

/** Runs an agent until it serves what it should. */
const deploy = async (send, link, workspace_id) => {
  const directory = await mkdtemp(join(tmpdir(), "nxmesh-record-"))
  const { agent, token } = await send("POST", "agents/register", { workspace_id, name: "web-1", labels: { site: "a" } })
  const running = start("packages/agent/src/main.ts", {
    NXMESH_MASTER_URL: link,
    NXMESH_AGENT_TOKEN: token.token,
    NXMESH_CA_FINGERPRINT: token.ca_fingerprint,
    NXMESH_DEPLOYMENT_MODE: "standalone",
    NXMESH_DATA_DIR: join(directory, "data"),
    NXMESH_NGINX_PREFIX: join(directory, "nginx")
  })
  for (;;) {
    const { desired_generation, serving_generation, state } = await send("GET", `agents/${agent.id}`)
    if (state === "Online" && serving_generation !== null && serving_generation === desired_generation) break
    await wait(200)
  }
  await running.end("SIGTERM")
  kill(Number(await readFile(join(directory, "nginx", "nginx.pid"), "utf8")), "SIGTERM")
  await wait(500)
  await rm(directory, { recursive: true })
}

const dataDirectory = await mkdtemp(join(tmpdir(), "nxmesh-record-"))
const first = await startMaster(dataDirectory)
const before = await client(first.api)
const organization = await before("POST", "organizations", { name: "Acme", slug: "acme" })
const workspace = await before("POST", `organizations/${organization.id}/workspaces`, { name: "Web", slug: "web" })
for (let number = 1; number <= 30; number++) await before("POST", "virtual-hosts", site(workspace.id, number))
await before("POST", "users", {
  email: "ann@example.com",
  name: "Ann",
  role: "viewer",
  password: "another horse battery"
})
await deploy(before, first.link, workspace.id)
await before("POST", "cluster/join-tokens", { ttl_seconds: 3_600 })
await first.end("SIGTERM")

const second = await startMaster(dataDirectory)
const after = await client(second.api)
for (const number of [31, 32, 33]) await after("POST", "virtual-hosts", site(workspace.id, number))
await after("PUT", "cluster/freeze", { frozen: true, reason: "an upgrade" })
await second.end("SIGKILL")

/** What the state holds while the -wal is there: every change. */
const rowsOf = (file) => {
  const database = new DatabaseSync(file)
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all()
  const rows = tables
    .filter(({ name }) => !name.startsWith("raft_"))
    .map(({ name }) => [name, database.prepare(`SELECT * FROM ${name} ORDER BY 1, 2`).all()])
  database.close()
  return Object.fromEntries(rows)
}

const complete = await mkdtemp(join(tmpdir(), "nxmesh-record-"))
await cp(dataDirectory, complete, { recursive: true })
const rows = rowsOf(join(complete, "state", "state-1.db"))

const files = {}
for (const entry of await readdir(dataDirectory, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name)
  if (!entry.isFile() || /(?:-wal|-shm)$|\/lock(?:-journal)?$/.test(path)) continue
  files[relative(dataDirectory, path)] = (await readFile(path)).toString("base64")
}
await writeFile(argv[2], gzipSync(JSON.stringify({ files, rows }), { level: 9 }))
for (const directory of [dataDirectory, complete]) await rm(directory, { recursive: true })
