import { execFile } from "node:child_process"
import { once } from "node:events"
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Programs, stopProgram } from "../../cli/playground/Programs.ts"
import { clusterWelcome } from "../../cli/cluster/ClusterWelcome.ts"

describe("programs of a run", () => {
  it("are all remembered when they are started at once", async () => {
    const folder = await mkdtemp(join(tmpdir(), "run-"))
    await mkdir(join(folder, "log"))
    const programs = new Programs(folder)
    // Without settings that it could use, an agent ends by itself; here it only has to have been started.
    const env = { NXMESH_DEPLOYMENT_MODE: "none" }
    const started = await Promise.all(["a", "b", "c"].map((name) => programs.start({ name, package: "agent", env })))
    const { programs: remembered } = JSON.parse(await readFile(join(folder, "run.json"), "utf8"))
    assert.deepStrictEqual(
      remembered,
      started.map(({ process }) => process)
    )
    await Promise.all(started.map(stopProgram))
    await rm(folder, { recursive: true })
  })
})

describe("the welcome of a cluster", () => {
  it("names every master and site, and holds a line for the shell that signs in and asks who leads", async () => {
    const folder = await mkdtemp(join(tmpdir(), "it's a "))
    const requests: Array<ReadonlyArray<unknown>> = []
    const server = createServer((request, response) => {
      request.resume()
      request.on("end", () => {
        requests.push([request.method, request.url, request.headers.authorization])
        response.end(JSON.stringify({ data: { token_type: "Bearer", access_token: "a.b-c", expires_in: 900 } }))
      })
    }).listen(0, "127.0.0.1")
    await once(server, "listening")
    const { port } = server.address() as AddressInfo
    const login = { email: "admin@example.com", password: "secret" }
    const loginFile = join(folder, "login.json")
    await writeFile(loginFile, JSON.stringify(login))
    const masters = [
      { http: 1, agent: 2, peer: 3 },
      { http: 4, agent: 5, peer: 6 },
      { http: port, agent: 8, peer: 9 }
    ]
    const settings = { masters, sites: [10, 11, 12], backend: 13 }
    const text = clusterWelcome({ settings, login, loginFile, folder, pids: [101, 102, 103] })
    for (const line of text.split("\n").filter((one) => one.startsWith("  curl "))) {
      await promisify(execFile)("sh", ["-ec", line])
    }
    server.close()
    await rm(folder, { recursive: true })
    assert.deepStrictEqual(requests, [
      ["POST", "/api/v1/auth/login", undefined],
      ["GET", "/api/v1/cluster", "Bearer a.b-c"]
    ])
    for (const part of ["127.0.0.1:1 ", "127.0.0.1:4 ", "process 103", "localhost:12/", "kill -9 101"]) {
      assert.include(text, part)
    }
  })
})
