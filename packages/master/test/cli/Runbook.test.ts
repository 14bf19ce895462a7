/** Every command of the runbooks is one that the command line takes. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { nxmesh } from "./CommandLine.ts"

const operating = new URL("../../../../docs/operating/", import.meta.url)
const runbook = ["cluster.md", "actions.md"].map((name) => readFileSync(new URL(name, operating), "utf8")).join("\n")

const wordsOf = (line: string): ReadonlyArray<string> =>
  [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "")

/** The lines of shell blocks that begin with the program's name. */
const commands = [...runbook.matchAll(/```sh\n([\s\S]*?)```/g)]
  .flatMap(([, block = ""]) => block.split("\n"))
  .filter((line) => line.startsWith("nxmesh "))

describe("the runbooks of a cluster and of agents", () => {
  it("has each command at least once", () => {
    for (const command of ["login", "status", "masters", "create", "list", "revoke", "remove", "demote", "promote"]) {
      assert.isTrue(
        commands.some((line) => wordsOf(line).includes(command)),
        command
      )
    }
    for (const command of ["transfer", "freeze", "unfreeze", "upgrade"])
      assert.include(commands.join("\n"), `cluster ${command}`)
    for (const command of ["show", "start", "stop", "reload", "restart", "test", "rollback", "policy"])
      assert.include(commands.join("\n"), `agent ${command}`)
    for (const word of ["on", "off"]) assert.include(commands.join("\n"), `agent maintenance ${word}`)
  })

  it.effect.each([...new Set(commands)].map((line) => ({ line })))("$line", ({ line }) =>
    Effect.gen(function* () {
      const [, ...words] = wordsOf(line)
      const password = words[0] === "login" ? ["--password-file", "/nonexistent/password"] : []
      const place = { url: "http://127.0.0.1:1", sessionFile: "/nonexistent/sessions.json" }
      const { code, err } = yield* nxmesh(place, ...words, ...password)
      assert.strictEqual(code, 1, err)
      assert.match(err, /you are not logged in|the password cannot be read/)
    })
  )
})
