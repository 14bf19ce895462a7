import { assert, describe, it } from "@effect/vitest"
import { commandLine, parseArguments } from "../../src/nginx/NginxProcess.ts"
import * as ProcessTable from "../../src/nginx/ProcessTable.ts"
import { parseAnswer, parseStatus } from "../../src/nginx/ProofAnswer.ts"

describe("ProcessTable", () => {
  it("reads a stat line whose command holds spaces and parentheses", () => {
    const fields = ["S", "42", ...Array.from({ length: 17 }, () => "0"), "98765", "0"].join(" ")
    assert.deepStrictEqual(ProcessTable.parseStat(`7 (a) b (c)) ${fields}`), {
      state: "S",
      parentPid: 42,
      startTicks: "98765"
    })
    assert.isNull(ProcessTable.parseStat("7 (a) S"))
  })

  it("tells this process from another that had its pid", () => {
    const self = ProcessTable.identify(process.pid)
    assert.isNotNull(self)
    assert.isTrue(ProcessTable.isAlive(self))
    assert.isFalse(ProcessTable.isAlive({ ...self, startTicks: "1" }))
  })

  it("reads bound unix sockets, also with spaces in their paths, and leaves out unbound ones", () => {
    const text = [
      "Num       RefCount Protocol Flags    Type St Inode Path",
      "0000000000000000: 00000002 00000000 00010000 0001 01 12345 /run/a b/proof.sock",
      "0000000000000000: 00000003 00000000 00000000 0001 03 12346",
      "0000000000000000: 00000003 00000000 00000000 0001 03 12347 @abstract"
    ].join("\n")
    assert.deepStrictEqual(ProcessTable.parseUnixSockets(text), [{ inode: "12345", path: "/run/a b/proof.sock" }])
  })
})

describe("the arguments of a master", () => {
  it("are read from its title, as nginx wrote them there", () => {
    assert.deepStrictEqual(parseArguments(" /usr/sbin/nginx -g daemon on; master_process on;"), {
      configurationFile: null,
      prefix: null,
      globalDirectives: "daemon on; master_process on;"
    })
    assert.deepStrictEqual(parseArguments(" /usr/sbin/nginx -p /srv/n x -c /srv/n x/nginx.conf -e stderr"), {
      configurationFile: "/srv/n x/nginx.conf",
      prefix: "/srv/n x",
      globalDirectives: null
    })
    assert.deepStrictEqual(parseArguments(" nginx"), { configurationFile: null, prefix: null, globalDirectives: null })
  })

  it("are repeated in every run of its binary", () => {
    const title = " nginx -c /etc/n.conf -g daemon off;"
    assert.deepStrictEqual(commandLine(parseArguments(title)), ["-c", "/etc/n.conf", "-g", "daemon off;"])
  })
})

describe("ProofAnswer", () => {
  it("finds the id and the worker in an answer, and nothing in another", () => {
    const id = "00000000-0000-4000-8000-000000000001"
    assert.deepStrictEqual(parseAnswer(`${id} 4711`), { deploymentId: id, workerPid: 4711 })
    assert.isNull(parseAnswer("404"))
  })

  it("reads stub_status", () => {
    const body =
      "Active connections: 3 \nserver accepts handled requests\n 10 10 12 \nReading: 0 Writing: 1 Waiting: 2 \n"
    assert.deepStrictEqual(parseStatus(body), {
      activeConnections: 3,
      accepted: 10,
      handled: 10,
      requests: 12,
      reading: 0,
      writing: 1,
      waiting: 2
    })
    assert.isNull(parseStatus("nothing"))
  })
})
