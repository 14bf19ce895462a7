import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { execFile } from "node:child_process"
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { administrator, startAgent, startMaster, temporaryDirectory, workspace } from "../support/Fleet.ts"
import { freePort } from "../support/FreePort.ts"
import { until } from "../support/Wait.ts"

const run = promisify(execFile)

/** A key pair as an operator would make one. */
const selfSigned = (directory: string) =>
  Effect.promise(async () => {
    const [key, certificate] = [join(directory, "key.pem"), join(directory, "certificate.pem")]
    await run("openssl", [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"],
      ...["-subj", "/CN=tls.example", "-addext", "subjectAltName=DNS:tls.example", "-keyout", key, "-out", certificate]
    ])
    return { key: await readFile(key, "utf8"), certificate: await readFile(certificate, "utf8") }
  })

/** Files below a directory that hold any of the needles, in any of the encodings they might rest in. */
const holding = (directory: string, needles: ReadonlyArray<Buffer>) =>
  Effect.promise(async () => {
    const found: Array<string> = []
    for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const path = join(entry.parentPath, entry.name)
      const content = await readFile(path)
      if (needles.some((needle) => content.includes(needle))) found.push(path)
    }
    return found
  })

/** The middle of a PEM body: what would show in a leak whatever line breaks became of. */
const body = (pem: string) => pem.replaceAll(/-----[^-]+-----|\s/g, "").slice(20, 60)

describe("Secrets", () => {
  it.live("rest sealed: no key, token or password is found in log, database, versions, answers or logs", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory("s")
      const { certificate, key } = yield* selfSigned(directory)
      const master = yield* startMaster()
      const api = yield* master.admin
      const workspaceId = yield* workspace(api)
      const port = yield* freePort
      const uploaded = yield* api.request("POST", "/api/v1/certificates", {
        workspace_id: workspaceId,
        name: "tls",
        certificate_pem: certificate,
        private_key_pem: key
      })
      assert.strictEqual(uploaded.status, 201)
      yield* api.expect(201, "POST", "/api/v1/virtual-hosts", {
        workspace_id: workspaceId,
        name: "tls",
        server_name: "tls.example",
        listen_port: port,
        ssl_enabled: true,
        ssl_certificate_id: uploaded.body.data.id,
        locations: [{ path: "/", return: { status: 200, text: "sealed" } }]
      })
      const agent = yield* startAgent(master, api, workspaceId)
      yield* until(
        Effect.promise(() =>
          run("curl", ["-sk", "--resolve", `tls.example:${port}:127.0.0.1`, `https://tls.example:${port}/`]).then(
            ({ stdout }) => stdout,
            () => ""
          )
        ),
        (text) => text === "sealed",
        { fact: "the host serves over TLS with the uploaded key" }
      )

      const secret = body(key)
      const needles = [Buffer.from(secret), Buffer.from(secret, "base64"), Buffer.from(administrator.password)]
      assert.deepStrictEqual(yield* holding(master.dataDirectory, needles), [])
      assert.deepStrictEqual(yield* holding(agent.dataDirectory, needles), [])
      const versions = yield* api.request("GET", `/api/v1/certificates/${uploaded.body.data.id}/versions/1`)
      const preview = yield* api.request("GET", `/api/v1/agents/${agent.id}/preview`)
      assert.strictEqual(versions.status, 200)
      assert.strictEqual(preview.status, 200)
      for (const answer of [uploaded, versions, preview]) {
        assert.notInclude(JSON.stringify(answer.body), secret)
      }
      for (const output of [master.program().output(), agent.program().output()]) {
        assert.notInclude(output, secret)
        assert.notInclude(output, administrator.password)
      }
      // The one place where nginx needs it: readable by nobody else.
      const onDisk = yield* holding(agent.prefix, [Buffer.from(secret)])
      assert.strictEqual(onDisk.length, 1)
    })
  )
})
