import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { freePort } from "../../cli/playground/Ports.ts"
import { endProcess, identify, isAlive } from "../../cli/playground/ProcessIdentity.ts"
import type { ProcessIdentity } from "../../cli/playground/ProcessIdentity.ts"
import { welcome } from "../../cli/playground/Welcome.ts"

describe("ports of the playground", () => {
  it("are the wanted ones while they are free, and others when they are not", async () => {
    const taken = createServer().listen(0, "127.0.0.1")
    await once(taken, "listening")
    const { port } = taken.address() as AddressInfo
    const other = await freePort("127.0.0.1", port)
    assert.notStrictEqual(other, port)
    assert.isAbove(other, 0)
    taken.close()
    await once(taken, "close")
    assert.strictEqual(await freePort("127.0.0.1", port), port)
  })
})

describe("processes of the playground", () => {
  const identityOf = (pid: number | undefined): ProcessIdentity => {
    const identity = identify(pid ?? 0)
    if (identity === undefined) throw new Error("it has not started")
    return identity
  }

  it("end when asked", async () => {
    const child = spawn("sleep", ["1000"])
    const ended = once(child, "exit")
    await endProcess(identityOf(child.pid), "SIGTERM", 5000)
    assert.deepStrictEqual(await ended, [null, "SIGTERM"])
  })

  it("are killed when they do not end in time", async () => {
    const child = spawn("sh", ["-c", "trap '' TERM; echo ready; while :; do sleep 1; done"], { detached: true })
    await once(child.stdout, "data")
    const ended = once(child, "exit")
    await endProcess(identityOf(child.pid), "SIGTERM", 200)
    assert.deepStrictEqual(await ended, [null, "SIGKILL"])
  })

  it("are not taken for a later process with the same id", () => {
    const own = identityOf(process.pid)
    assert.isTrue(isAlive(own))
    assert.isFalse(isAlive({ ...own, startTime: "1" }))
  })
})

describe("the welcome", () => {
  it("holds lines for the shell that sign in, change the site and read it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "it's a "))
    const requests: Array<ReadonlyArray<unknown>> = []
    const server = createServer((request, response) => {
      let body = ""
      request.on("data", (chunk) => (body += chunk))
      request.on("end", () => {
        requests.push([
          request.method,
          request.url,
          request.headers.authorization,
          body === "" ? null : JSON.parse(body)
        ])
        response.end(JSON.stringify({ data: { token_type: "Bearer", access_token: "a.b-c", expires_in: 900 } }))
      })
    }).listen(0, "127.0.0.1")
    await once(server, "listening")
    const { port } = server.address() as AddressInfo
    const login = { email: "admin@example.com", password: "secret" }
    const loginFile = join(folder, "login.json")
    await writeFile(loginFile, JSON.stringify(login))
    const settings = { httpPort: port, agentPort: 1, sitePort: port, backendPort: 2 }
    const lines = welcome({ settings, login, loginFile, siteId: "site-1", upstreamId: "upstream-1" })
      .split("\n")
      .filter((line) => line.startsWith("  curl "))
    for (const line of lines) await promisify(execFile)("sh", ["-ec", line])
    server.close()
    await rm(folder, { recursive: true })
    const locations = [
      { path: "/", return: { status: 200, text: "Hello again" } },
      { path: "/backend/", upstream_id: "upstream-1" }
    ]
    assert.deepStrictEqual(requests, [
      ["POST", "/api/v1/auth/login", undefined, login],
      ["PATCH", "/api/v1/virtual-hosts/site-1", "Bearer a.b-c", { locations }],
      ["GET", "/", undefined, null]
    ])
  })
})
