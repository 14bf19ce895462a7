import { assert, describe, it } from "@effect/vitest"
import { parseErrorLine, parseErrors } from "../../src/nginx/ErrorLine.ts"
import type { ErrorLine } from "../../src/nginx/ErrorLine.ts"

const line = (fields: Partial<ErrorLine>): ErrorLine => ({
  level: "emerg",
  message: "",
  file: null,
  line: null,
  pid: null,
  ...fields
})

describe("ErrorLine", () => {
  it("reads what nginx -t says", () => {
    assert.deepStrictEqual(
      parseErrorLine('nginx: [emerg] unknown directive "x" in /etc/nginx/conf.d/current/http/a.conf:12'),
      line({ message: 'unknown directive "x"', file: "/etc/nginx/conf.d/current/http/a.conf", line: 12 })
    )
    assert.deepStrictEqual(
      parseErrorLine('nginx: [warn] conflicting server name "a.x" on 0.0.0.0:80, ignored'),
      line({ level: "warn", message: 'conflicting server name "a.x" on 0.0.0.0:80, ignored' })
    )
  })

  it("reads lines of the error log, with and without a connection", () => {
    assert.deepStrictEqual(
      parseErrorLine("2026/03/02 14:30:00 [emerg] 17#17: bind() to 0.0.0.0:80 failed (98: Address already in use)\n"),
      line({ message: "bind() to 0.0.0.0:80 failed (98: Address already in use)", pid: 17 })
    )
    const message = parseErrorLine("2026/03/02 14:30:00 [error] 17#18: *5 limiting requests, excess: 0.9")
    assert.deepStrictEqual(message, line({ level: "error", message: "limiting requests, excess: 0.9", pid: 17 }))
  })

  it("names a file that a message quotes", () => {
    const found = parseErrorLine('nginx: [emerg] cannot load certificate "/x/tls/a.crt": BIO_new_file() failed')
    assert.strictEqual(found?.file, "/x/tls/a.crt")
    assert.isNull(found?.line ?? null)
  })

  it("leaves out what is no message, and a message said twice", () => {
    const output = [
      "nginx: the configuration file /x syntax is ok",
      "2026/03/02 14:30:00 [emerg] 1#1: a in /x:1",
      "nginx: [emerg] a in /x:1",
      ""
    ].join("\n")
    assert.lengthOf(parseErrors(output), 1)
  })
})
