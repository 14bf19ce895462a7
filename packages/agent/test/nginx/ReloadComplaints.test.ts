import { assert, describe, it } from "@effect/vitest"
import { Limits } from "../../src/Limits.ts"
import { namesOf } from "../../src/nginx/ErrorLogWatch.ts"
import { complaintsOf } from "../../src/nginx/ReloadComplaints.ts"

const line = (level: string, message: string) => `2026/03/02 14:30:00 [${level}] 12#12: ${message}`

describe("What nginx complains of during a reload", () => {
  it("is told once for all the requests that it is about, with the backend and how often", () => {
    const failed = (client: string) =>
      line(
        "error",
        `*7 connect() failed (111: Connection refused) while connecting to upstream, client: ${client}, server: a, request: "GET / HTTP/1.1", upstream: "http://127.0.0.1:9/x", host: "a"`
      )
    assert.deepStrictEqual(
      complaintsOf([failed("192.0.2.1"), line("notice", "reconfiguring"), failed("192.0.2.2"), "no line"].join("\n")),
      [
        "nginx: [error] connect() failed (111: Connection refused) while connecting to upstream (upstream http://127.0.0.1:9), 2 times"
      ]
    )
  })

  it("is bounded", () => {
    const many = Array.from({ length: 1_000 }, (_, at) => line("crit", `trouble ${at}`)).join("\n")
    assert.lengthOf(complaintsOf(many), Limits.reloadComplaintsMax)
    assert.deepStrictEqual(complaintsOf(""), [])
  })
})

describe("The error log after a rotation", () => {
  it("is looked for under the name that the renamed file had", () => {
    const open = ["/l/error.log", "/l/access.log", "/l/err"]
    assert.deepStrictEqual(namesOf("/l/error.log", open), ["/l/error.log"])
    assert.deepStrictEqual(namesOf("/l/error.log.1", open), ["/l/error.log.1", "/l/error.log"])
    assert.deepStrictEqual(namesOf("/l/error.log-20260302 (deleted)", open)[1], "/l/error.log")
  })
})
