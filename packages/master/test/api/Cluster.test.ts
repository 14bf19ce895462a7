/** The cluster by its API: how it stands, its members, join tokens, leadership and the freeze switch. */
import { assert, layer } from "@effect/vitest"
import { clusterVersions } from "@nxmesh/protocol/ClusterVersion"
import { Effect } from "effect"
import { masterId } from "../state/TestCluster.ts"
import { ask, login } from "./support/Client.ts"
import { threeMasters } from "./support/FakeCluster.ts"
import { layerTestMaster } from "./support/TestMaster.ts"

const cluster = "/api/v1/cluster"

layer(layerTestMaster, { excludeTestServices: true })("Cluster", (it) => {
  it.effect("a join token is issued once with the command that joins, listed without its text, and revoked", () =>
    Effect.gen(function* () {
      yield* threeMasters()
      const token = yield* login()
      const headers = { "idempotency-key": "join-1" }
      const issued = yield* ask("POST", `${cluster}/join-tokens`, { token, headers, body: { ttl_seconds: 600 } })
      assert.strictEqual(issued.status, 201, issued.text)
      assert.strictEqual(issued.headers.get("cache-control"), "no-store")
      assert.match(issued.body.data.token, /^nxj1\.[0-9a-f]{64}\.[A-Za-z0-9_-]{22,}$/)
      assert.match(
        issued.body.data.command,
        /^NXMESH_JOIN=m1\.example\.com:8443,m2\.example\.com:8443,m3\.example\.com:8443 NXMESH_JOIN_TOKEN=nxj1\.\S+ nxmesh-master$/
      )
      const again = yield* ask("POST", `${cluster}/join-tokens`, { token, headers, body: { ttl_seconds: 600 } })
      assert.strictEqual(again.body.data.token, issued.body.data.token)
      const listed = yield* ask("GET", `${cluster}/join-tokens`, { token })
      assert.strictEqual(listed.body.meta.total, 1, listed.text)
      assert.notInclude(listed.text, issued.body.data.token)
      const path = `${cluster}/join-tokens/${issued.body.data.id}`
      assert.strictEqual((yield* ask("DELETE", path, { token })).status, 204)
      assert.strictEqual((yield* ask("DELETE", path, { token })).status, 404)
      const long = yield* ask("POST", `${cluster}/join-tokens`, { token, body: { ttl_seconds: 1e9 } })
      assert.strictEqual(long.body.error.details[0].field, "ttl_seconds")
    })
  )

  it.effect("the status has who leads, each master's role and health, and what to do", () =>
    Effect.gen(function* () {
      const { id } = yield* threeMasters([3])
      const token = yield* login()
      const status = yield* ask("GET", cluster, { token })
      assert.strictEqual(status.status, 200, status.text)
      assert.isNotNull(status.headers.get("x-nxmesh-index"))
      const { data } = status.body
      assert.deepInclude(data, { leader_id: id, voters: 3, failures_tolerated: 1, epoch: 1, frozen: false })
      assert.deepStrictEqual(
        data.masters.map((master: any) => [master.name, master.role, master.healthy]),
        [
          ["m1", "leader", true],
          ["m2", "voter", true],
          ["m3", "voter", false]
        ]
      )
      assert.include(data.advice[0], "one more failure stops the cluster: bring back m3")
      const one = yield* ask("GET", `${cluster}/masters/${masterId(3)}`, { token })
      assert.deepStrictEqual(one.body.data, data.masters[2])
      assert.strictEqual((yield* ask("GET", `${cluster}/masters/${masterId(9)}`, { token })).status, 404)
      const page = yield* ask("GET", `${cluster}/masters?page=2&per_page=2`, { token })
      assert.deepStrictEqual(page.body.data, data.masters.slice(2))
      assert.deepStrictEqual(page.body.meta, { page: 2, per_page: 2, total: 3 })
    })
  )

  it.effect("leadership goes to who is named or closest, and to nobody who is down", () =>
    Effect.gen(function* () {
      const { fake, id, masters } = yield* threeMasters([3])
      const token = yield* login()
      const handOver = (body: unknown) => ask("POST", `${cluster}/leadership`, { token, body })
      const chosen = yield* handOver({})
      assert.strictEqual(chosen.status, 202, chosen.text)
      assert.deepStrictEqual(chosen.body.data, { from: id, to: masters[1] })
      assert.strictEqual((yield* handOver({ to: id })).status, 202)
      assert.deepStrictEqual(fake.handedOver, [masters[1]], "who leads already is not asked")
      const down = yield* handOver({ to: masters[2] })
      assert.strictEqual(down.status, 409, down.text)
      assert.strictEqual(down.body.error.details[0].field, "to")
      fake.live = { ...fake.live, leaderId: null }
      assert.strictEqual((yield* handOver({})).status, 503)
    })
  )

  it.effect(
    "a master stops voting and votes again; what would lose the quorum is a conflict that names who is down",
    () =>
      Effect.gen(function* () {
        yield* threeMasters([3])
        const token = yield* login()
        const voting = (number: number, voter: boolean) =>
          ask("PUT", `${cluster}/masters/${masterId(number)}/voting`, { token, body: { voter } })
        const refused = yield* voting(2, false)
        assert.strictEqual(refused.status, 409, refused.text)
        assert.include(refused.body.error.message, "Cannot demote m2")
        assert.include(refused.body.error.details[0].message, "(m3): does not answer")
        const demoted = yield* voting(3, false)
        assert.strictEqual(demoted.status, 200, demoted.text)
        assert.isFalse(demoted.body.data.voter)
        yield* threeMasters()
        assert.isTrue((yield* voting(3, true)).body.data.voter)
        assert.strictEqual((yield* voting(9, true)).status, 404)
      })
  )

  it.effect("the freeze switch wants a reason, and shows in the status until it is taken back", () =>
    Effect.gen(function* () {
      yield* threeMasters()
      const token = yield* login()
      const freeze = (body: unknown) => ask("PUT", `${cluster}/freeze`, { token, body })
      const silent = yield* freeze({ frozen: true })
      assert.strictEqual(silent.status, 400, silent.text)
      assert.strictEqual(silent.body.error.details[0].field, "reason")
      const frozen = yield* freeze({ frozen: true, reason: "a bad release" })
      assert.deepInclude(frozen.body.data, { frozen: true, freeze_reason: "a bad release" })
      const { data } = (yield* ask("GET", cluster, { token })).body
      assert.include(data.advice, "deployments are frozen: a bad release")
      assert.deepInclude((yield* freeze({ frozen: false })).body.data, { frozen: false, freeze_reason: null })
    })
  )

  it.effect("the version rises by one and never goes back, and no higher than every master knows (rule 6)", () =>
    Effect.gen(function* () {
      yield* threeMasters()
      const token = yield* login()
      const raise = (version: number) => ask("POST", `${cluster}/version`, { token, body: { version } })
      const { highest } = clusterVersions
      const same = yield* raise(highest)
      assert.strictEqual(same.status, 200, same.text)
      assert.strictEqual(same.body.data.cluster_version, highest)
      const next = yield* raise(highest + 1)
      assert.strictEqual(next.status, 422, next.text)
      for (const name of ["m1", "m2", "m3"]) assert.include(next.body.error.message, name)
      assert.strictEqual((yield* raise(highest - 1)).status, 422)
      assert.strictEqual((yield* raise(0)).status, 400)
    })
  )

  it.effect("a removed master is gone from the list, and cannot be removed again", () =>
    Effect.gen(function* () {
      yield* threeMasters([3])
      const token = yield* login()
      const remove = (number: number) => ask("DELETE", `${cluster}/masters/${masterId(number)}`, { token })
      const refused = yield* remove(2)
      assert.strictEqual(refused.status, 409, refused.text)
      assert.strictEqual((yield* remove(3)).status, 204)
      assert.strictEqual((yield* remove(3)).status, 404)
      const listed = yield* ask("GET", `${cluster}/masters`, { token })
      assert.deepStrictEqual(
        listed.body.data.map(({ name, role }: any) => [name, role]),
        [
          ["m1", "leader"],
          ["m2", "voter"],
          ["m3", "leaving"]
        ],
        "Raft counts it for a moment"
      )
    })
  )
})
