/**
 * Made data-0.1.0.json.gz: what a master of NxMesh 0.1.0 (commit f7aabb0, the last one with a log of its own) leaves after a
 * power cut. Run in a checkout of that commit:
 *
 *   node packages/master/test/legacy/RecordDirectory.mjs data-0.1.0.json.gz
 *
 * The master is stopped once, so that a checkpoint made its first changes durable; of the later ones the log alone has all.
 */
import { spawn } from "node:child_process"
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, relative } from "node:path"
import { argv, env, execPath } from "node:process"
import { DatabaseSync } from "node:sqlite"
import { gzipSync } from "node:zlib"

const email = "admin@example.com"
const password = "correct horse battery"

const start = async (dataDirectory) => {
  const master = spawn(execPath, ["packages/master/src/main.ts"], {
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      PATH: env.PATH,
      NXMESH_HTTP_ADDRESS: "127.0.0.1:0",
      NXMESH_AGENT_ADDRESS: "127.0.0.1:0",
      NXMESH_DATA_DIR: dataDirectory,
      NXMESH_ADMIN_EMAIL: email,
      NXMESH_ADMIN_PASSWORD: password
    }
  })
  let output = ""
  const api = await new Promise((resolve, reject) => {
    master.on("exit", () => reject(new Error(output)))
    master.stdout.on("data", (text) => {
      output += text
      const found = /"api":"([^"]+)"/.exec(output)
      if (found !== null) resolve(found[1])
    })
  })
  const ended = new Promise((resolve) => master.on("exit", resolve))
  return { api, end: (signal) => (master.kill(signal), ended) }
}

const client = async (api) => {
  const send = async (method, path, body, token) => {
    const response = await fetch(`${api}/api/v1/${path}`, {
      method,
      headers: {
        "content-type": "application/json",
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` })
      },
      body: JSON.stringify(body)
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
  listen_port: 80,
  locations: [{ path: "/", return: { status: 404, text: "nothing here" } }]
})

const dataDirectory = await mkdtemp(join(tmpdir(), "nxmesh-record-"))
const first = await start(dataDirectory)
const before = await client(first.api)
const organization = await before("POST", "organizations", { name: "Acme", slug: "acme" })
const workspace = await before("POST", `organizations/${organization.id}/workspaces`, { name: "Web", slug: "web" })
const host = await before("POST", "virtual-hosts", site(workspace.id, 1))
await before("POST", "users", {
  email: "ann@example.com",
  name: "Ann",
  role: "viewer",
  password: "another horse battery"
})
await first.end("SIGTERM")

const second = await start(dataDirectory)
const after = await client(second.api)
await after("PATCH", `virtual-hosts/${host.id}`, { gzip_enabled: true })
for (const number of [2, 3]) await after("POST", "virtual-hosts", site(workspace.id, number))
await second.end("SIGKILL")

/** What the state holds while the -wal is there: every change. */
const rowsOf = (file) => {
  const database = new DatabaseSync(file)
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all()
  const rows = tables.map(({ name }) => [name, database.prepare(`SELECT * FROM ${name} ORDER BY 1, 2`).all()])
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
