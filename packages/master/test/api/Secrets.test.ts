/** A secret that came over the API is nowhere to be read: not in the log, the state, a version, an answer or a log line. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { filesContaining } from "../../../../test/support/Plaintext.ts"
import { ask, login, loginAs } from "./support/Client.ts"
import { makeCertificate } from "./support/Certificates.ts"
import { makeHost, makeWorkspace } from "./support/Fixtures.ts"
import { layerTestMaster, TestLog, TestMaster } from "./support/TestMaster.ts"

/** Of a PEM text, a line that only this key has. */
const keyLine = (pem: string) => pem.split("\n")[2] ?? pem

layer(layerTestMaster, { excludeTestServices: true })("Secrets", (it) => {
  it.effect("leave no plaintext behind", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const workspace_id = yield* makeWorkspace
      const pair = yield* makeCertificate("a.example.com")
      const answers = [
        yield* ask("POST", "/api/v1/certificates", { token, body: { workspace_id, name: "a", ...pair } })
      ]
      const certificate = answers[0]?.body.data.id as string
      yield* makeHost({ workspace_id, listen_port: 443, ssl_enabled: true, ssl_certificate_id: certificate })
      const registered = yield* ask("POST", "/api/v1/agents/register", { token, body: { workspace_id, name: "edge" } })
      const { agent, token: issued } = registered.body.data
      answers.push(
        yield* ask("GET", `/api/v1/certificates/${certificate}`, { token }),
        yield* ask("GET", `/api/v1/certificates/${certificate}/versions/1`, { token }),
        yield* ask("GET", `/api/v1/agents/${agent.id}/preview`, { token }),
        yield* ask("GET", `/api/v1/agents/${agent.id}/tokens`, { token })
      )
      const email = "eve@example.com"
      const password = "a password that is planted"
      answers.push(
        yield* ask("POST", "/api/v1/users", { token, body: { email, name: "Eve", role: "viewer", password } })
      )
      const access = yield* loginAs(email, password)

      const { lines } = yield* TestLog
      const { dataDirectory } = yield* TestMaster
      for (const secret of [keyLine(pair.private_key_pem), issued.token, password, access]) {
        assert.isAbove(secret.length, 16)
        assert.deepStrictEqual(filesContaining(dataDirectory, secret), [])
        assert.isFalse(lines.some((line) => line.includes(secret)))
        assert.isFalse(answers.some(({ text }) => text.includes(secret)))
      }
    })
  )
})
