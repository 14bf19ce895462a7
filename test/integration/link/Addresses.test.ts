/** From where agents may connect, over real sockets. */
import { connect } from "node:tls"
import { assert, layer } from "@effect/vitest"
import { AgentServer } from "@nxmesh/master/link/AgentServer"
import { Effect } from "effect"
import { until } from "../../support/Wait.ts"
import { MasterLayer, World } from "./LinkFixture.ts"
import { rawAgent } from "./RawAgent.ts"

/** The first line that the server answers to a request that asks for a WebSocket, or for something else. */
const firstLine = (port: number, path: string, upgrade: boolean) =>
  Effect.callback<string>((resume) => {
    const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false })
    const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    const headers = upgrade ? `Connection: Upgrade\r\nUpgrade: websocket\r\n${key}` : ""
    socket.once("secureConnect", () => socket.write(`GET ${path} HTTP/1.1\r\nHost: m\r\n${headers}\r\n`))
    socket.once("data", (data) => resume(Effect.succeed(data.toString().split("\r\n", 1)[0] ?? "")))
    socket.on("error", () => resume(Effect.succeed("closed")))
    return Effect.sync(() => socket.destroy())
  })

layer(MasterLayer, { excludeTestServices: true })("the list of addresses for agents", (it) => {
  it.effect("refuses an upgrade from elsewhere, counts it, and takes agents again when the list has them", () =>
    Effect.gen(function* () {
      const { allowFrom, refusals } = yield* World
      const { port } = yield* AgentServer
      const upgrade = firstLine(port, "/agents", true)
      assert.include(yield* upgrade, "101")
      yield* allowFrom(["192.0.2.0/24"])
      yield* until(upgrade, (line) => line.includes("403"), { fact: "an agent from elsewhere is refused" })
      assert.isAtLeast(refusals.get("address_not_allowed") ?? 0, 1)
      // What masters ask each other comes over the same port, and shows a certificate.
      assert.notInclude(yield* firstLine(port, "/peer/v1/status", false), "403")
      yield* allowFrom(["127.0.0.0/8"])
      yield* until(upgrade, (line) => line.includes("101"), { fact: "an agent from there is taken" })
      yield* allowFrom([])
    })
  )

  it.effect("sends away who is connected and no longer on it", () =>
    Effect.gen(function* () {
      const { allowFrom } = yield* World
      const { port } = yield* AgentServer
      const agent = yield* rawAgent(port)
      yield* allowFrom(["2001:db8::/32"])
      assert.strictEqual(yield* Effect.promise(() => agent.closed), 4_403)
      yield* allowFrom([])
    })
  )
})
