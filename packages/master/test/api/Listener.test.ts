/** What a client may take of the HTTP listener before it has shown anything of itself, over real sockets. */
import { EventEmitter } from "node:events"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { connect, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { connect as connectTls, type SecureVersion } from "node:tls"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { readSettings } from "@nxmesh/core/settings/ReadSettings"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Result } from "effect"
import { HttpRouter, HttpServer, HttpServerResponse } from "effect/http"
import { followPair, readPair } from "../../src/api/ApiCertificate.ts"
import { connectionCount } from "../../src/api/ConnectionCount.ts"
import { redirectTarget } from "../../src/api/HttpsRedirect.ts"
import { layerListening } from "../../src/api/Listener.ts"
import { ListenerLimits, type ListenerLimitsShape } from "../../src/api/ListenerLimits.ts"
import { Limits } from "../../src/Limits.ts"
import { definitions, Settings, type SettingsShape } from "../../src/Settings.ts"
import { freePort } from "../../../../test/support/FreePort.ts"
import { until } from "../../../../test/support/Wait.ts"
import { makeCertificate } from "./support/Certificates.ts"

const quick: Partial<ListenerLimitsShape> = {
  headersTimeoutMillis: 200,
  requestTimeoutMillis: 300,
  keepAliveTimeoutMillis: 200,
  slowCheckMillis: 50
}

/** A listener that answers everything after it has read the body; its port. */
const listening = Effect.fnUntraced(function* (
  limits: Partial<ListenerLimitsShape> = {},
  settings: Partial<SettingsShape> = {}
) {
  const handlers = HttpRouter.serve(HttpRouter.add("*", "/*", HttpServerResponse.text("served")), {
    disableLogger: true,
    disableListenLog: true
  })
  const layer = layerListening(handlers).pipe(
    Layer.provide(NodeServices.layer),
    Layer.provideMerge(Metrics.layer),
    Layer.provide(Layer.succeed(ListenerLimits, { ...Limits.api, ...limits })),
    Layer.provide(
      Layer.succeed(Settings, {
        ...Result.getOrThrow(readSettings(definitions, {}, null)),
        httpAddress: { host: "127.0.0.1", port: 0 },
        ...settings
      })
    )
  )
  const { address } = Context.get(yield* Layer.build(layer), HttpServer.HttpServer)
  return "port" in address ? address.port : 0
})

interface Client {
  readonly socket: Socket
  readonly heard: () => string
  readonly isClosed: () => boolean
}

const client = (port: number) =>
  Effect.acquireRelease(
    Effect.sync((): Client => {
      const socket = connect(port, "127.0.0.1")
      let heard = ""
      let closed = false
      socket.on("data", (data) => void (heard += data.toString()))
      socket.on("error", () => undefined)
      socket.on("close", () => void (closed = true))
      return { socket, heard: () => heard, isClosed: () => closed }
    }),
    ({ socket }) => Effect.sync(() => socket.destroy())
  )

const isClosed = ({ isClosed: closed }: Client, who: string) =>
  until(Effect.sync(closed), (is) => is, { fact: `${who} is cut off` })

const answers = (one: Client, status: string) =>
  until(Effect.sync(one.heard), (text) => text.startsWith(`HTTP/1.1 ${status}`), { fact: `it is answered ${status}` })

/** Writes a byte every few milliseconds, as long as the test lasts. */
const drip = ({ socket }: Client) =>
  Effect.forkScoped(
    Effect.sync(() => void (socket.writable && socket.write("x"))).pipe(Effect.delay(20), Effect.forever)
  )

const get = "GET / HTTP/1.1\r\nHost: m\r\n\r\n"

describe("the HTTP listener", () => {
  it.live("cuts off who says nothing, who says it slowly, and who sends a body slowly", () =>
    Effect.gen(function* () {
      const port = yield* listening(quick)
      const silent = yield* client(port)
      const slowHeader = yield* client(port)
      slowHeader.socket.write("GET / HTTP/1.1\r\nHost: m\r\nX-A: ")
      yield* drip(slowHeader)
      const slowBody = yield* client(port)
      slowBody.socket.write("POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 100000\r\n\r\n")
      yield* drip(slowBody)
      const idle = yield* client(port)
      idle.socket.write(get)
      yield* answers(idle, "200")
      yield* isClosed(silent, "who says nothing")
      yield* isClosed(slowHeader, "a slow header")
      yield* isClosed(slowBody, "a slow body")
      yield* isClosed(idle, "a connection that is not used again")
    })
  )

  it.live("serves others while hundreds hold connections open and say nothing, and is rid of them soon", () =>
    Effect.gen(function* () {
      const port = yield* listening(quick)
      const silent = yield* Effect.forEach(Array.from({ length: 300 }), () => client(port))
      const other = yield* client(port)
      other.socket.write(get)
      yield* answers(other, "200")
      yield* until(
        Effect.sync(() => silent.filter((one) => !one.isClosed()).length),
        (left) => left === 0,
        { fact: "all of them are cut off" }
      )
    })
  )

  it.live("refuses a header that is too large, and what is no HTTP", () =>
    Effect.gen(function* () {
      const port = yield* listening()
      const large = yield* client(port)
      large.socket.write(`GET / HTTP/1.1\r\nHost: m\r\nX-A: ${"a".repeat(Limits.api.headerBytesMax + 1)}\r\n\r\n`)
      yield* answers(large, "431")
      yield* isClosed(large, "too large a header")
      const other = yield* client(port)
      other.socket.write("\x16\x03\x01 not http\r\n\r\n")
      yield* isClosed(other, "what is no HTTP")
    })
  )

  it.live("takes no more connections than it may, and others again when one ends", () =>
    Effect.gen(function* () {
      const port = yield* listening({ connectionsMax: 2 })
      const first = yield* client(port)
      const second = yield* client(port)
      for (const one of [first, second]) {
        one.socket.write(get)
        yield* answers(one, "200")
      }
      yield* isClosed(yield* client(port), "the third")
      first.socket.destroy()
      yield* until(
        Effect.gen(function* () {
          const next = yield* client(port)
          next.socket.write(get)
          return yield* until(
            Effect.sync(() => next.heard() !== "" || next.isClosed()),
            (is) => is,
            {
              fact: "it is answered or closed"
            }
          ).pipe(Effect.map(() => next.heard()))
        }).pipe(Effect.scoped),
        (heard) => heard.startsWith("HTTP/1.1 200"),
        { fact: "another is served in its place" }
      )
    })
  )

  it("counts connections by address, and neither this machine's nor a proxy's", () => {
    let refused = 0
    const count = connectionCount({
      perAddressMax: 2,
      isProxy: (address) => address === "10.0.0.1",
      onRefused: () => void (refused += 1)
    })
    const open = (remoteAddress: string | undefined) => {
      const socket = Object.assign(new EventEmitter(), { remoteAddress, gone: false, destroy: () => undefined })
      socket.destroy = () => void (socket.gone = true)
      count(socket as unknown as Socket)
      return socket
    }
    const [first, second, third] = [open("192.0.2.1"), open("192.0.2.1"), open("192.0.2.1")]
    assert.deepStrictEqual([first.gone, second.gone, third.gone, refused], [false, false, true, 1])
    assert.isFalse(open("192.0.2.2").gone)
    first.emit("close")
    assert.isFalse(open("192.0.2.1").gone)
    for (let number = 0; number < 5; number++) {
      assert.isFalse(open("10.0.0.1").gone)
      assert.isFalse(open("::ffff:127.0.0.1").gone)
    }
    assert.isTrue(open(undefined).gone)
  })
})

const directory = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "nxmesh-tls-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)

/** A pair in files of its own. */
const pairOf = Effect.fnUntraced(function* (name: string) {
  const path = yield* directory
  const files = { certificate: join(path, "tls.crt"), key: join(path, "tls.key") }
  const put = Effect.fnUntraced(function* (of: string) {
    const { certificate_pem, private_key_pem } = yield* makeCertificate(of).pipe(Effect.provide(Identifiers.layer))
    yield* Effect.promise(() => writeFile(files.certificate, certificate_pem))
    yield* Effect.promise(() => writeFile(files.key, private_key_pem))
  })
  yield* put(name)
  return { files, put }
})

/** The name in the certificate that the server shows, and the version that both speak; else why there is no connection. */
const shown = (port: number, maxVersion: SecureVersion = "TLSv1.3") =>
  Effect.callback<string>((resume) => {
    const socket = connectTls({ host: "127.0.0.1", port, rejectUnauthorized: false, maxVersion }, () => {
      resume(Effect.succeed(`${socket.getPeerCertificate().subjectaltname} ${socket.getProtocol()}`))
      socket.destroy()
    })
    socket.on("error", (error) => resume(Effect.succeed(error.message)))
    return Effect.sync(() => socket.destroy())
  })

describe("the API's own TLS", () => {
  it.live("is TLS 1.3 unless the settings say less", () =>
    Effect.gen(function* () {
      const { files } = yield* pairOf("m.example.com")
      const settings = { tlsCertificateFile: files.certificate, tlsKeyFile: files.key }
      const port = yield* listening({}, settings)
      assert.strictEqual(yield* shown(port), "DNS:m.example.com TLSv1.3")
      assert.notInclude(yield* shown(port, "TLSv1.2"), "DNS:")
      const older = yield* listening({}, { ...settings, tlsMinVersion: "TLSv1.2" })
      assert.strictEqual(yield* shown(older, "TLSv1.2"), "DNS:m.example.com TLSv1.2")
    })
  )

  it.live("cuts off who begins no handshake", () =>
    Effect.gen(function* () {
      const { files } = yield* pairOf("m.example.com")
      const settings = { tlsCertificateFile: files.certificate, tlsKeyFile: files.key }
      const port = yield* listening({ ...quick, handshakeTimeoutMillis: 200 }, settings)
      yield* isClosed(yield* client(port), "who says nothing")
    })
  )

  it.live("takes a renewed pair, and keeps the one that it has while the files are of no use", () =>
    Effect.gen(function* () {
      const { files, put } = yield* pairOf("old.example.com")
      const first = yield* readPair(files)
      const used: Array<unknown> = []
      yield* followPair(files, first, (pair) => void used.push(pair.cert), 10)
      yield* Effect.promise(() => writeFile(files.key, "no key"))
      const error = yield* Effect.flip(readPair(files))
      assert.include(error.message, files.key)
      assert.notInclude(error.message, "no key")
      yield* put("new.example.com")
      yield* until(
        Effect.sync(() => used.length),
        (count) => count === 1,
        { fact: "the renewed pair is used" }
      )
      assert.deepStrictEqual(used, [(yield* readPair(files)).cert])
    })
  )

  it.live("does not start with half of a pair, and says what to set", () =>
    Effect.gen(function* () {
      const { files } = yield* pairOf("m.example.com")
      const half = yield* Effect.flip(listening({}, { tlsCertificateFile: files.certificate }))
      assert.include(String(half), "NXMESH_TLS_KEY_FILE")
      const redirect = yield* Effect.flip(listening({}, { httpRedirectAddress: { host: "127.0.0.1", port: 0 } }))
      assert.include(String(redirect), "NXMESH_TLS_CERTIFICATE_FILE")
    })
  )

  it.live("sends browsers that come by plain HTTP there, and to no other host", () =>
    Effect.gen(function* () {
      const { files } = yield* pairOf("m.example.com")
      const plain = yield* freePort
      const port = yield* listening(
        {},
        {
          tlsCertificateFile: files.certificate,
          tlsKeyFile: files.key,
          httpRedirectAddress: { host: "127.0.0.1", port: plain }
        }
      )
      const answer = yield* Effect.promise(() =>
        fetch(`http://127.0.0.1:${plain}/agents?page=2`, { redirect: "manual" })
      )
      assert.strictEqual(answer.status, 308)
      assert.strictEqual(answer.headers.get("location"), `https://127.0.0.1:${port}/agents?page=2`)
    })
  )

  it("redirects to the name that was asked for, when it is one", () => {
    assert.strictEqual(redirectTarget("m.example.com:80", "/a?b", 443), "https://m.example.com/a?b")
    assert.strictEqual(redirectTarget("[::1]", "/", 8443), "https://[::1]:8443/")
    for (const host of [undefined, "", "a b", "evil.com/x", "evil.com@other", "x\r\ny", "a:b:c"]) {
      assert.strictEqual(redirectTarget(host, "/", 443), null, host)
    }
    assert.strictEqual(redirectTarget("m", "http://evil.com/", 443), null)
    assert.strictEqual(redirectTarget("m", "//evil.com/", 443), "https://m//evil.com/")
  })
})
