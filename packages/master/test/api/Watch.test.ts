import { assert, layer } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { ask, login } from "./support/Client.ts"
import { layerTestMaster } from "./support/TestMaster.ts"

const organization = (slug: string, token: string) =>
  Effect.map(ask("POST", "/api/v1/organizations", { token, body: { name: slug, slug } }), ({ body }) => body.data)

const watch = (token: string, index: number, waitSeconds: number) =>
  Effect.map(ask("GET", `/api/v1/watch?index=${index}&wait_seconds=${waitSeconds}`, { token }), ({ body }) => body.data)

layer(layerTestMaster)("watching for changes (rule 17)", (test) => {
  test.effect("gives what came after the index of a list, and where to go on from", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const before = yield* ask("GET", "/api/v1/organizations", { token })
      const index = Number(before.headers.get("x-nxmesh-index"))
      const one = yield* organization("watch-one", token)
      const two = yield* organization("watch-two", token)
      const answer = yield* watch(token, index, 5)
      assert.deepStrictEqual(
        answer.events.map((event: { id: string; kind: string; operation: string }) => [
          event.kind,
          event.operation,
          event.id
        ]),
        [
          ["organization", "create", one.id],
          ["organization", "create", two.id]
        ]
      )
      assert.isFalse(answer.compacted)
      assert.strictEqual(answer.index, two.revision)
      assert.deepStrictEqual((yield* watch(token, answer.index, 0)).events, [])
    })
  )

  test.effect("waits until something changes", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const { index } = yield* watch(token, 1_000_000, 0)
      assert.strictEqual(index, 1_000_000)
      const listed = yield* ask("GET", "/api/v1/organizations", { token })
      const waiting = yield* Effect.forkChild(watch(token, Number(listed.headers.get("x-nxmesh-index")), 20))
      const made = yield* organization("watch-three", token)
      const answer = yield* Fiber.join(waiting)
      assert.deepStrictEqual(
        answer.events.map((event: { id: string }) => event.id),
        [made.id]
      )
    })
  )

  test.effect("says when it no longer knows what came after", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const answer = yield* watch(token, 0, 0)
      assert.isTrue(answer.compacted)
      assert.deepStrictEqual(answer.events, [])
      assert.isAbove(answer.index, 0)
    })
  )

  test.effect("refuses an index that is none, by name", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const { body, status } = yield* ask("GET", "/api/v1/watch?index=-1", { token })
      assert.strictEqual(status, 400)
      assert.strictEqual(body.error.details[0].field, "index")
    })
  )
})
