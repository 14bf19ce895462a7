import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach } from "vitest"
import { parseCapabilities } from "@nxmesh/core/nginx/Capabilities"
import { executableInside, pathInside, rootOf } from "../../src/nginx/Container.ts"
import { versionWritten } from "../../src/nginx/NginxBinary.ts"
import { asNginxSees, type NginxInstanceSettings } from "../../src/nginx/NginxInstance.ts"
import { parseArguments } from "../../src/nginx/NginxProcess.ts"
import { innerPid, parseInnerPid } from "../../src/nginx/ProcessTable.ts"

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "container-"))
  mkdirSync(join(root, "config", "more"), { recursive: true })
  mkdirSync(join(root, "etc", "nginx"), { recursive: true })
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

describe("a path inside a container", () => {
  it("follows relative and absolute links without ever leaving the container", () => {
    symlinkSync("/config/nginx.conf", join(root, "etc/nginx/nginx.conf"))
    symlinkSync("../../../../../../config", join(root, "etc/up"))
    symlinkSync("/etc/up", join(root, "link"))
    assert.strictEqual(pathInside(root, "/etc/nginx/nginx.conf"), `${root}/config/nginx.conf`)
    assert.strictEqual(pathInside(root, "/link/more/./../more"), `${root}/config/more`)
    assert.strictEqual(pathInside(root, "/../../etc/passwd"), `${root}/etc/passwd`)
    assert.strictEqual(pathInside(root, "/not/there"), `${root}/not/there`)
  })

  it("gives up on links that lead in a circle", () => {
    symlinkSync("/b", join(root, "a"))
    symlinkSync("/a", join(root, "b"))
    assert.throws(() => pathInside(root, "/a"), /too many symbolic links/)
  })
})

const instance: NginxInstanceSettings = {
  pidFile: "/proc",
  confDirectory: "/volume",
  runtimeDirectory: "/run/volume",
  binary: "nginx",
  prefix: null
}
const running = (pid: number) => ({ executable: `/proc/${pid}/exe`, arguments: parseArguments("") })

describe("an nginx in a container", () => {
  it("has a root of its own only as a sidecar, and only while it runs", () => {
    assert.isNull(rootOf(instance, running(12)))
    assert.strictEqual(rootOf({ ...instance, sidecar: true }, running(12)), "/proc/12/root")
    assert.isNull(rootOf({ ...instance, sidecar: true }, { ...running(12), executable: "/usr/sbin/nginx" }))
  })

  it("names the binary that runs, also when the file was replaced", () => {
    assert.strictEqual(executableInside(running(process.pid)), `/proc/${process.pid}/exe`)
  })

  it("sees other paths when it is said so", () => {
    assert.strictEqual(asNginxSees(instance).confDirectory, "/volume")
    const seenByNginx = { confDirectory: "/etc/nginx/conf.d", runtimeDirectory: "/run/nxmesh" }
    assert.deepStrictEqual(asNginxSees({ ...instance, seenByNginx }), seenByNginx)
  })
})

describe("pids of another namespace", () => {
  it("are the last of NSpid", () => {
    assert.strictEqual(parseInnerPid("Name:\tnginx\nNSpid:\t4711\t33\t1\nNSpgid:\t4711\n"), 1)
    assert.strictEqual(parseInnerPid("Name:\tnginx\nNSpid:\t4711\n"), 4711)
    assert.isNull(parseInnerPid("Name:\tnginx\n"))
    assert.strictEqual(innerPid(process.pid), process.pid)
  })
})

describe("the version in a binary that cannot be run", () => {
  it.effect("is what -V would print", () =>
    Effect.gen(function* () {
      const written = yield* versionWritten("/usr/sbin/nginx")
      const found = written === null ? null : parseCapabilities(written)
      assert.match(found?.version ?? "", /^\d+\.\d+\.\d+$/)
      assert.include(found?.modules ?? [], "http_stub_status")
    })
  )

  it.effect("is found whole across the ends of chunks", () =>
    Effect.gen(function* () {
      const file = join(root, "binary")
      const line = `configure arguments: --prefix=/x${" --with-http_ssl_module".repeat(40)} --with-http_v2_module`
      for (const padding of [65_500, 65_536 - 30, 65_536 * 2 - 400]) {
        writeFileSync(file, `${"\0".repeat(padding)}nginx version: nginx/1.25.3\n\0${line}\n\0${"x".repeat(90_000)}`)
        assert.strictEqual(yield* versionWritten(file), `nginx version: nginx/1.25.3\n${line}\n`)
      }
    })
  )

  it.effect("is not known of a file that is no nginx, or not there", () =>
    Effect.gen(function* () {
      assert.isNull(yield* versionWritten("/bin/true"))
      assert.isNull(yield* versionWritten(join(root, "missing")))
    })
  )
})
