/** The program itself, as a child process. */
import { writeFile } from "node:fs/promises"
import { createConnection } from "node:net"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { program } from "../../../test/support/Program.ts"
import { until } from "../../../test/support/Wait.ts"
import { directory, email, ended, environment, login, master, password, path, recordsOf } from "./MasterProgram.ts"

const organizations = (api: string, token: string, body?: object) =>
  Effect.promise(async () => {
    const response = await fetch(`${api}/api/v1/organizations`, {
      method: body === undefined ? "GET" : "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    return (await response.json()) as any
  })

/** Sends the beginning of a request, and answers how to send the rest and what came back. */
const slowRequest = (api: string) =>
  Effect.callback<{ readonly finish: () => Promise<string> }>((resume) => {
    const { hostname, port } = new URL(api)
    const socket = createConnection({ host: hostname, port: Number(port) })
    let answer = ""
    socket.on("data", (chunk) => (answer += chunk.toString()))
    socket.on("error", () => undefined)
    socket.on("connect", () => {
      const head = "POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: "
      const body = JSON.stringify({ email, password })
      socket.write(`${head}${body.length}\r\n\r\n${body.slice(0, 5)}`, () =>
        resume(
          Effect.succeed({
            finish: () =>
              new Promise<string>((resolve) => {
                socket.on("close", () => resolve(answer))
                socket.write(body.slice(5))
              })
          })
        )
      )
    })
  })

describe("nxmesh-master", { timeout: 120_000 }, () => {
  it.live(
    "finishes running requests on SIGTERM, exits with 0, and has everything when it is back",
    () =>
      Effect.gen(function* () {
        const dataDirectory = yield* directory
        const first = yield* master(dataDirectory)
        const token = yield* login(first.api)
        const made = yield* organizations(first.api, token, { name: "Acme", slug: "acme" })
        assert.strictEqual(made.data.slug, "acme")
        const slow = yield* slowRequest(first.api)
        const ending = yield* Effect.forkChild(first.end("SIGTERM"), { startImmediately: true })
        yield* until(
          Effect.promise(() =>
            fetch(`${first.api}/healthz`).then(
              () => "open",
              () => "closed"
            )
          ),
          (state) => state === "closed",
          { fact: "the listener is closed" }
        )
        assert.isNull(first.ended(), "it waits for the running request")
        const answer = yield* Effect.promise(() => slow.finish())
        assert.match(answer, /^HTTP\/1\.1 200 /)
        yield* Fiber.join(ending)
        yield* ended(first)
        assert.strictEqual(first.ended(), 0, first.output())
        assert.notInclude(first.output(), password)

        const second = yield* master(dataDirectory)
        const again = yield* login(second.api)
        assert.deepStrictEqual((yield* organizations(second.api, again)).data, [made.data])
      }),
    120_000
  )

  it.live("refuses wrong settings by name, and a second start on the same data", () =>
    Effect.gen(function* () {
      const dataDirectory = yield* directory
      const file = join(dataDirectory, "master.yaml")
      yield* Effect.promise(() => writeFile(file, "http_address: 127.0.0.1:0\nlog_levl: info\n"))
      const wrong = yield* program({ path, arguments: ["--config", file], environment: {} })
      yield* ended(wrong)
      assert.strictEqual(wrong.ended(), 2)
      assert.include(wrong.output(), `log_levl in ${file}: is not a setting`)

      yield* master(dataDirectory)
      const twin = yield* program({ path, environment: environment(dataDirectory) })
      yield* ended(twin)
      assert.strictEqual(twin.ended(), 1)
      const record = recordsOf(twin.output()).find(({ level }) => level === "ERROR")
      assert.isDefined(record, twin.output())
      assert.include(record.message, dataDirectory)
    })
  )

  it.live("tells clients the address that is advertised", () =>
    Effect.gen(function* () {
      const { ready } = yield* master(yield* directory, { NXMESH_ADVERTISE_HTTP: "api.example.com:443" })
      assert.strictEqual(ready["api"], "https://api.example.com")
      assert.strictEqual(ready["docs"], "https://api.example.com/api/docs")
      const documented = yield* Effect.promise(async () => {
        const response = await fetch(`${ready["listening"]}/api/v1/openapi.json`)
        return (await response.json()) as any
      })
      assert.deepStrictEqual(documented.servers, [{ url: "https://api.example.com" }])
      assert.strictEqual(documented.info.title, "NxMesh")
    })
  )

  it.live("explains itself", () =>
    Effect.gen(function* () {
      const asked = yield* program({ path, arguments: ["--help"], environment: {} })
      yield* ended(asked)
      assert.strictEqual(asked.ended(), 0)
      assert.include(asked.output(), "NXMESH_DATA_DIR")
    })
  )
})
