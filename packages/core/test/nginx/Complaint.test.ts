import { assert, describe, it } from "@effect/vitest"
import * as Complaint from "../../src/nginx/Complaint.ts"

const log = (level: string, pid: number, message: string) => `2026/03/02 14:30:00 [${level}] ${pid}#${pid}: ${message}`

describe("Complaint", () => {
  it("reads standard error and the error log alike", () => {
    assert.deepStrictEqual(Complaint.complaintsIn('nginx: [emerg] unknown directive "x" in /a/b.conf:12'), [
      { level: "emerg", message: 'unknown directive "x"', file: "/a/b.conf", line: 12, pid: null }
    ])
    assert.deepStrictEqual(Complaint.complaintsIn(log("warn", 7, "*3 upstream is slow")), [
      { level: "warn", message: "upstream is slow", file: null, line: null, pid: 7 }
    ])
  })

  it("leaves out what is no complaint, and other processes when asked for one", () => {
    const text = [
      log("notice", 7, "signal 1 received"),
      log("emerg", 8, "not mine"),
      log("emerg", 7, "mine"),
      "junk"
    ].join("\n")
    assert.deepStrictEqual(
      Complaint.complaintsIn(text, 7).map(({ message }) => message),
      ["mine"]
    )
  })

  it("finds the name that two servers share", () => {
    const [complaint] = Complaint.complaintsIn('nginx: [warn] conflicting server name "a.test" on 0.0.0.0:80, ignored')
    assert.strictEqual(complaint === undefined ? null : Complaint.conflictingName(complaint), "a.test")
  })

  it("takes bind() as failed only once nginx gives up, and then keeps the address", () => {
    const bind = log("emerg", 7, "bind() to 0.0.0.0:80 failed (98: Address already in use)")
    const failure = (lines: ReadonlyArray<string>) =>
      Complaint.reloadFailure(Complaint.complaintsIn(lines.join("\n"), 7))?.message ?? null
    assert.isNull(failure([bind, bind]))
    assert.include(failure([bind, bind, log("emerg", 7, "still could not bind()")]), "0.0.0.0:80")
    assert.strictEqual(failure([bind, log("emerg", 7, "limit_req changed")]), "limit_req changed")
    assert.isNull(failure([log("warn", 7, "careful")]))
  })
})
