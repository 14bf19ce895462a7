import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { AddressInfo } from "node:net"
import { WebSocket, WebSocketServer } from "ws"
import { PiecewiseWriter } from "../../src/link/PiecewiseWriter.ts"

/** Both ends of a connection: the writer's, and what the other end has received. */
const connection = Effect.acquireRelease(
  Effect.promise(
    () =>
      new Promise<{ server: WebSocketServer; end: WebSocket; sender: WebSocket; received: Array<string> }>(
        (resolve) => {
          const server = new WebSocketServer({ port: 0, host: "127.0.0.1" })
          server.once("listening", () => {
            const end = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)
            const received: Array<string> = []
            end.on("message", (data) => received.push(String(data)))
            server.once("connection", (sender) => resolve({ server, end, sender, received }))
          })
        }
      )
  ),
  ({ end, server }) =>
    Effect.sync(() => {
      end.terminate()
      server.close()
    })
)

const arrived = (end: WebSocket, received: ReadonlyArray<string>, count: number) =>
  Effect.promise(
    () =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (received.length >= count) resolve()
        }
        end.on("message", look)
        look()
      })
  )

describe("Messages to an agent", () => {
  it.live("arrive whole and in order, however long they are", () =>
    Effect.gen(function* () {
      const { end, received, sender } = yield* connection
      const { send } = new PiecewiseWriter(sender, 1_000)
      const sent = ["a", "ü".repeat(5_000), "b", "", "x".repeat(1_000), "y".repeat(1_001), "€".repeat(400), "c"]
      for (const text of sent) send(text)
      yield* arrived(end, received, sent.length)
      assert.deepStrictEqual(received, sent)
    }).pipe(Effect.scoped)
  )

  it.live("leave in writes of no more than a piece, one at a time", () =>
    Effect.gen(function* () {
      const { end, received, sender } = yield* connection
      const writes: Array<number> = []
      let onTheWay = 0
      const original = sender.send.bind(sender) as (...args: ReadonlyArray<unknown>) => void
      sender.send = ((data: Buffer, options: object, done: (error?: Error) => void) => {
        writes.push(data.length)
        onTheWay += 1
        assert.strictEqual(onTheWay, 1)
        original(data, options, (error?: Error) => {
          onTheWay -= 1
          done(error)
        })
      }) as typeof sender.send
      new PiecewiseWriter(sender, 1_000).send("z".repeat(2_500))
      yield* arrived(end, received, 1)
      assert.deepStrictEqual(writes, [1_000, 1_000, 500])
    }).pipe(Effect.scoped)
  )

  it.live("are given up when the connection ends in the middle of one", () =>
    Effect.gen(function* () {
      const { end, received, sender } = yield* connection
      const { send } = new PiecewiseWriter(sender, 1_000)
      send("z".repeat(2_500_000))
      send("after")
      sender.terminate()
      yield* Effect.promise(() => new Promise((resolve) => end.once("close", resolve)))
      send("later")
      assert.deepStrictEqual(received, [])
    }).pipe(Effect.scoped)
  )
})
