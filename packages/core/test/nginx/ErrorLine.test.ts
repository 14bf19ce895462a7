import { assert, describe, it } from "@effect/vitest"
import { firstFatal, isFatal, parseErrorLine, parseErrors, resourceOf } from "../../src/nginx/ErrorLine.ts"
import type { ErrorLine } from "../../src/nginx/ErrorLine.ts"
import { host, renderParts, uuid } from "./Fixtures.ts"

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

  it("fails a deployment for errors and for a host that nginx ignores, not for advice", () => {
    assert.isTrue(isFatal(line({})))
    assert.isTrue(isFatal(line({ level: "alert" })))
    assert.isTrue(isFatal(line({ level: "warn", message: 'conflicting server name "a" on 0.0.0.0:80, ignored' })))
    assert.isFalse(isFatal(line({ level: "warn", message: "low address bits of 10.0.0.1/8 are meaningless" })))
    assert.isFalse(isFatal(line({ level: "warn", message: "could not build optimal server_names_hash" })))
    assert.isFalse(isFatal(line({ level: "notice" })))
  })

  it("reports an error before a warning", () => {
    const warning = line({ level: "warn", message: 'conflicting server name "a" on 0.0.0.0:80, ignored' })
    assert.strictEqual(firstFatal([warning, line({ message: "b" })])?.message, "b")
    assert.strictEqual(firstFatal([warning]), warning)
    assert.isNull(firstFatal([]))
  })

  it("maps a file to its resource wherever the tree was staged, and a conflict to the host that is ignored", () => {
    const hosts = [1, 2, 3].map((number) => host(number, { server_name: number === 3 ? "c.x" : "a.x, same.x" }))
    const tree = renderParts({ hosts })
    const path = tree.files.find(({ resource }) => resource?.id === uuid(2))?.path
    assert.strictEqual(resourceOf(line({ file: `/var/lib/staged/${path}`, line: 3 }), tree)?.id, uuid(2))
    assert.isNull(resourceOf(line({ file: "/etc/nginx/nginx.conf", line: 3 }), tree))
    assert.isNull(resourceOf(line({ file: "/x/http/00-settings.conf" }), tree))
    const conflict = line({ level: "warn", message: 'conflicting server name "same.x" on 0.0.0.0:80, ignored' })
    assert.strictEqual(resourceOf(conflict, tree)?.id, uuid(2))
    assert.isNull(resourceOf(line({ message: "something else" }), tree))
  })
})
