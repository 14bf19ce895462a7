import { RaftNode } from "@nxmesh/raft/node/RaftNode"
import { RequestRefused } from "@nxmesh/raft/node/RequestError"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Ref } from "effect"
import { layerLocalRaft } from "../state/LocalRaft.ts"
import { ask, login } from "./support/Client.ts"
import { adminEmail, adminPassword, layerTestMasterOver } from "./support/TestMaster.ts"

/** Whether there is a leader. */
const leads = Ref.makeUnsafe(true)
const noLeader = new RequestRefused({ reason: "NotLeader", leader: null })

const layerFickleRaft = Layer.effect(
  RaftNode,
  Effect.map(RaftNode, (node) =>
    RaftNode.of({
      ...node,
      read: Effect.flatMap(Ref.get(leads), (led) => (led ? node.read : Effect.fail(noLeader))),
      propose: (data) => Effect.flatMap(Ref.get(leads), (led) => (led ? node.propose(data) : Effect.fail(noLeader)))
    })
  )
).pipe(Layer.provide(layerLocalRaft))

const withoutLeader = <A, E, R>(test: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    Ref.set(leads, false),
    () => test,
    () => Ref.set(leads, true)
  )
const body = { email: adminEmail, password: adminPassword }

layer(layerTestMasterOver(layerFickleRaft))("the freshness of an answer", (test) => {
  test.effect("is all or nothing by default: without a leader a read is 503, and says what would work (rule 11)", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const answer = yield* withoutLeader(ask("GET", "/api/v1/organizations", { token }))
      assert.strictEqual(answer.status, 503)
      assert.strictEqual(answer.headers.get("retry-after"), "1")
      assert.match(answer.body.error.message, /no leader .* consistency=stale/)
      assert.strictEqual((yield* ask("GET", "/api/v1/organizations", { token })).status, 200)
    })
  )

  test.effect("may be what this master has, also without a leader", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const stale = yield* withoutLeader(ask("GET", "/api/v1/organizations?consistency=stale&per_page=1", { token }))
      assert.strictEqual(stale.status, 200)
      assert.strictEqual(stale.body.meta.per_page, 1)
    })
  )

  test.effect("waits for an index, and refuses one that no entry has", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const made = yield* ask("POST", "/api/v1/organizations", { token, body: { name: "Fresh", slug: "fresh" } })
      const index = made.headers.get("x-nxmesh-index")
      const read = yield* withoutLeader(
        ask("GET", `/api/v1/organizations?consistency=stale&min_index=${index}&slug=fresh`, { token })
      )
      assert.strictEqual(read.body.data.length, 1)
      const beyond = yield* ask("GET", "/api/v1/organizations?min_index=1000000", { token })
      assert.strictEqual(beyond.status, 400)
      assert.strictEqual(beyond.body.error.details[0].field, "min_index")
    })
  )

  test.effect("cannot be stale for a change", () =>
    Effect.gen(function* () {
      const token = yield* login()
      const answer = yield* ask("POST", "/api/v1/organizations?consistency=stale", { token, body: {} })
      assert.strictEqual(answer.status, 400)
      assert.strictEqual(answer.body.error.details[0].field, "consistency")
    })
  )

  test.effect("is not asked for by probes, documentation and keys", () =>
    withoutLeader(
      Effect.gen(function* () {
        for (const path of ["/healthz", "/metrics", "/api/v1/openapi.json", "/api/docs", "/.well-known/jwks.json"]) {
          assert.strictEqual((yield* ask("GET", path)).status, 200, path)
        }
      })
    )
  )
})

layer(layerTestMasterOver(layerFickleRaft))("a login without a quorum (rule 20)", (test) => {
  test.effect("gives a token to read what this master has, and nothing else", () =>
    withoutLeader(
      Effect.gen(function* () {
        const { data } = (yield* ask("POST", "/api/v1/auth/login", { body })).body
        assert.isTrue(data.read_only)
        assert.isNull(data.refresh_token)
        assert.strictEqual(data.expires_in, 300)
        const token = data.access_token
        assert.strictEqual((yield* ask("GET", "/api/v1/users/me?consistency=stale", { token })).status, 200)
        assert.strictEqual((yield* ask("GET", "/api/v1/users/me", { token })).status, 503)
      })
    )
  )

  test.effect("changes nothing, not even when the quorum is back", () =>
    Effect.gen(function* () {
      const { data } = (yield* withoutLeader(ask("POST", "/api/v1/auth/login", { body }))).body
      const change = { token: data.access_token, body: { name: "Sneaky", slug: "sneaky" } }
      const refused = yield* ask("POST", "/api/v1/organizations", change)
      assert.strictEqual(refused.status, 403)
      assert.match(refused.body.error.message, /for reading alone/)
    })
  )

  test.effect("is throttled like any other", () =>
    withoutLeader(
      Effect.gen(function* () {
        const guess = { body: { email: "eve@example.com", password: "not this one either" } }
        const answers: Array<number> = []
        for (let attempt = 0; attempt < 6; attempt++) {
          answers.push((yield* ask("POST", "/api/v1/auth/login", guess)).status)
        }
        assert.deepStrictEqual(answers, [401, 401, 401, 401, 401, 429])
      })
    )
  )
})
