import { assert, describe, it } from "@effect/vitest"
import type { Command } from "@nxmesh/protocol/Command"
import { EnrolmentTokenId, KeyId, SessionId } from "@nxmesh/protocol/Ids"
import type { Principal } from "@nxmesh/protocol/Principal"
import { Effect, Queue } from "effect"
import { TestClock } from "effect/testing"
import { Events } from "../../src/state/Events.ts"
import { Reads } from "../../src/state/Reads.ts"
import { agentId, labelled, only, organization, uuid } from "../config/Fixtures.ts"
import {
  create,
  hash,
  onMaster,
  rejected,
  saveAgent,
  saveHost,
  saveOrganization,
  saveUser,
  sealed,
  submit,
  tenant,
  update,
  userId
} from "./TestMaster.ts"

const sessionId = (number: number) => SessionId.make(uuid(9, number))
const day = "1970-01-02T00:00:00.000Z"

const startSession = (number: number, user = 1): Command => ({
  _tag: "StartSession",
  id: sessionId(number),
  user_id: userId(user),
  refresh_hash: hash("0"),
  expires_at: day,
  remote_address: "192.0.2.1"
})
const rotate = (from: string, to: string, number = 1): Command => ({
  _tag: "RotateSession",
  id: sessionId(number),
  refresh_hash: hash(from),
  next_refresh_hash: hash(to),
  sealed_next: sealed(`refresh-${to}`),
  expires_at: day
})
const asUser = (user: number, session = user): Principal => ({
  _tag: "User",
  user_id: userId(user),
  session_id: sessionId(session)
})

const loggedIn = Effect.gen(function* () {
  yield* submit(saveUser(1, "admin"))
  yield* submit(startSession(1))
})

describe("sessions", () => {
  it.effect("rotates a refresh token, and the next one rotates again", () =>
    onMaster(
      Effect.gen(function* () {
        yield* loggedIn
        const first = yield* submit(rotate("0", "1"))
        assert.deepInclude(first.value, { user_id: userId(1), sealed_next: sealed("refresh-1") })
        yield* submit(rotate("1", "2"))
      })
    )
  )

  it.effect("rule 20: a refresh retried within 30 s gets the same successor", () =>
    onMaster(
      Effect.gen(function* () {
        yield* loggedIn
        yield* submit(rotate("0", "1"))
        yield* TestClock.adjust("30 seconds")
        const again = yield* submit(rotate("0", "9"))
        assert.deepInclude(again.value, { sealed_next: sealed("refresh-1") })
        yield* submit(rotate("1", "2"))
      })
    )
  )

  it.effect("a refresh token used again later ends the whole family", () =>
    onMaster(
      Effect.gen(function* () {
        yield* loggedIn
        const subscription = yield* Events.use((events) => events.subscribe)
        yield* submit(rotate("0", "1"))
        yield* TestClock.adjust("31 seconds")
        assert.strictEqual((yield* rejected(rotate("0", "9"))).code, "UNAUTHENTICATED")
        assert.deepStrictEqual((yield* Queue.take(subscription)).event, {
          _tag: "SessionEnded",
          session_id: sessionId(1)
        })
        assert.strictEqual((yield* rejected(rotate("1", "2"))).code, "UNAUTHENTICATED")
        const session = yield* Reads.use((reads) => reads.session(sessionId(1)))
        assert.strictEqual(session?.end_reason, "refresh token reused")
      })
    )
  )

  it.effect("a token two rotations old ends the family even within the 30 s; an unknown one does not", () =>
    onMaster(
      Effect.gen(function* () {
        yield* loggedIn
        yield* submit(rotate("0", "1"))
        yield* submit(rotate("1", "2"))
        assert.strictEqual((yield* rejected(rotate("f", "9"))).code, "UNAUTHENTICATED")
        assert.isNull((yield* Reads.use((reads) => reads.session(sessionId(1))))?.ended_at ?? null)
        yield* rejected(rotate("0", "9"))
        assert.isNotNull((yield* Reads.use((reads) => reads.session(sessionId(1))))?.ended_at ?? null)
      })
    )
  )

  it.effect("a change of password ends every session but the one that asked", () =>
    onMaster(
      Effect.gen(function* () {
        yield* loggedIn
        yield* submit(startSession(2))
        yield* submit(
          { _tag: "ChangePassword", id: userId(1), password_hash: "$new", keep_session: sessionId(1) },
          { principal: asUser(1) }
        )
        const reads = yield* Reads
        assert.isNull((yield* reads.session(sessionId(1)))?.ended_at)
        assert.isNotNull((yield* reads.session(sessionId(2)))?.ended_at)
        assert.strictEqual((yield* reads.get("user", userId(1)))?.password_hash, "$new")
      })
    )
  )

  it.effect("counts failed logins by email and address, and a login clears them", () =>
    onMaster(
      Effect.gen(function* () {
        yield* submit(saveUser(1, "admin"))
        const failure = (remote_address: string): Command => ({
          _tag: "RecordLoginFailure",
          email: "USER-1@example.com",
          remote_address
        })
        for (const address of ["a", "a", "b"]) yield* submit(failure(address))
        const reads = yield* Reads
        assert.deepStrictEqual(
          (yield* reads.loginFailures("user-1@example.com")).map(({ failures, remote_address }) => [
            remote_address,
            failures
          ]),
          [
            ["a", 2],
            ["b", 1]
          ]
        )
        yield* submit(startSession(1))
        assert.deepStrictEqual(yield* reads.loginFailures("user-1@example.com"), [])
      })
    )
  )
})

describe("rule 5: permissions are those of the user's role when the entry applies", () => {
  it.effect("a viewer writes nothing, an operator what its role says, an admin everything", () =>
    onMaster(
      Effect.gen(function* () {
        yield* loggedIn
        yield* tenant
        yield* submit(saveUser(2, "operator"))
        yield* submit(saveUser(3, "viewer"))
        yield* submit(startSession(2, 2))
        yield* submit(startSession(3, 3))
        assert.strictEqual((yield* rejected(saveHost(1), { principal: asUser(3) })).code, "FORBIDDEN")
        yield* submit(saveHost(1), { principal: asUser(2) })
        assert.strictEqual((yield* rejected(saveAgent(2), { principal: asUser(2) })).code, "FORBIDDEN")
        yield* submit(saveAgent(2), { principal: asUser(1) })
        yield* submit(saveUser(1, "admin", update()), { principal: asUser(1) })
        yield* submit(saveUser(2, "viewer", update()), { principal: asUser(1) })
        assert.strictEqual((yield* rejected(saveHost(2), { principal: asUser(2) })).code, "FORBIDDEN")
      })
    )
  )

  it.effect("a raw snippet needs config:snippet when it is new, not when it stays", () =>
    onMaster(
      Effect.gen(function* () {
        yield* loggedIn
        yield* tenant
        yield* submit(saveUser(2, "operator"))
        yield* submit(startSession(2, 2))
        const snippet = "add_header X-A b;"
        assert.strictEqual((yield* rejected(saveHost(1, { snippet }), { principal: asUser(2) })).code, "FORBIDDEN")
        yield* submit(saveHost(1, { snippet }), { principal: asUser(1) })
        yield* submit(saveHost(1, { snippet, gzip_enabled: true }, update()), { principal: asUser(2) })
        const changed = saveHost(1, { snippet: "add_header X-A c;" }, update())
        assert.strictEqual((yield* rejected(changed, { principal: asUser(2) })).code, "FORBIDDEN")
      })
    )
  )

  it.effect("an ended session, a disabled user and an unknown one are refused", () =>
    onMaster(
      Effect.gen(function* () {
        yield* loggedIn
        yield* submit(saveUser(2, "admin"))
        yield* submit(startSession(2, 2))
        assert.strictEqual((yield* rejected(saveOrganization(1), { principal: asUser(7) })).code, "UNAUTHENTICATED")
        yield* submit({ _tag: "EndSession", id: sessionId(1) }, { principal: asUser(1) })
        assert.strictEqual((yield* rejected(saveOrganization(1), { principal: asUser(1) })).code, "UNAUTHENTICATED")
        yield* submit(saveUser(2, "admin", update(), { disabled: true }))
        assert.strictEqual((yield* rejected(saveOrganization(1), { principal: asUser(2) })).code, "UNAUTHENTICATED")
        assert.isUndefined(yield* Reads.use((reads) => reads.get("organization", organization(1))))
      })
    )
  )

  it.effect("an agent reports of itself alone", () =>
    onMaster(
      Effect.gen(function* () {
        yield* tenant
        const facts = {
          hostname: "h",
          version: "1",
          deployment_mode: "standalone",
          nginx: null,
          capabilities: []
        } as const
        const record = (id: number): Command => ({
          _tag: "RecordAgentFacts",
          agent_id: agentId(id),
          facts,
          ip_address: "192.0.2.7"
        })
        const principal: Principal = { _tag: "Agent", agent_id: agentId(1) }
        yield* submit(record(1), { principal })
        yield* submit(saveAgent(2))
        assert.strictEqual((yield* rejected(record(2), { principal })).code, "FORBIDDEN")
        assert.strictEqual((yield* rejected(saveOrganization(3), { principal })).code, "FORBIDDEN")
        assert.strictEqual((yield* Reads.use((reads) => reads.get("agent", agentId(1))))?.facts?.hostname, "h")
      })
    )
  )

  it.effect("the last administrator can be neither deleted, disabled nor demoted", () =>
    onMaster(
      Effect.gen(function* () {
        yield* submit(saveUser(1, "admin"))
        yield* submit(saveUser(2, "viewer"))
        for (const command of [
          saveUser(1, "viewer", update()),
          saveUser(1, "admin", update(), { disabled: true }),
          { _tag: "DeleteUser", if_match: null, id: userId(1) }
        ] as const) {
          assert.strictEqual((yield* rejected(command)).code, "CONFLICT")
        }
        assert.strictEqual(
          (yield* rejected(saveUser(3, "viewer", create, { email: "USER-1@example.com" }))).details[0]?.field,
          "email"
        )
      })
    )
  )
})

const token = (number: number, digit: string, expires_at = day): Command => ({
  _tag: "CreateEnrolmentToken",
  id: EnrolmentTokenId.make(uuid(10, number)),
  agent_id: agentId(1),
  token_hash: hash(digit),
  expires_at,
  sealed_token: sealed("token")
})
const enrol = (digit: string, public_key: string, key = 1, labels: Record<string, string> = {}): Command => ({
  _tag: "EnrolAgent",
  token_hash: hash(digit),
  public_key,
  session_key: { key_id: KeyId.make(uuid(11, key)), key: sealed(`key-${key}`) },
  facts: { hostname: "h", version: "1", deployment_mode: "standalone", nginx: null, capabilities: [], labels },
  ip_address: "192.0.2.7"
})

const factsOf = (command: Command) => {
  if (command._tag !== "EnrolAgent") throw new Error("no enrolment")
  return command.facts
}

describe("enrolment", () => {
  it.effect("rule 7: burns the token for one public key; the same key may retry and gets the same session key", () =>
    onMaster(
      Effect.gen(function* () {
        yield* tenant
        yield* submit(token(1, "a"))
        const first = yield* submit(enrol("a", "key-one"))
        const retry = yield* submit(enrol("a", "key-one", 2))
        assert.deepInclude(first.value, { session_key: { key_id: uuid(11, 1), key: sealed("key-1") } })
        assert.deepInclude(retry.value, { session_key: { key_id: uuid(11, 1), key: sealed("key-1") } })
        assert.strictEqual((yield* rejected(enrol("a", "key-two"))).code, "UNAUTHENTICATED")
        assert.strictEqual((yield* rejected(enrol("b", "key-one"))).code, "UNAUTHENTICATED")
        const reads = yield* Reads
        assert.strictEqual((yield* reads.agentKeys(agentId(1)))?.public_key, "key-one")
        assert.isNotNull((yield* reads.get("agent", agentId(1)))?.enrolled_at)
      })
    )
  )

  it.effect("an agent's own labels come under the administrator's at its first enrolment, and never later", () =>
    onMaster(
      Effect.gen(function* () {
        yield* tenant
        const given = { env: "prod" }
        yield* submit(saveAgent(1, { labels: given }, update()))
        yield* submit(token(1, "a"))
        yield* submit(token(2, "b"))
        const subscription = yield* Events.use((events) => events.subscribe)
        yield* submit(enrol("a", "key-one", 1, { env: "test", tier: "edge" }))
        const labels = Reads.use((reads) => reads.get("agent", agentId(1))).pipe(Effect.map((agent) => agent?.labels))
        assert.deepStrictEqual(yield* labels, { env: "prod", tier: "edge" })
        const events = (yield* Queue.takeAll(subscription)).map(({ event }) => event)
        assert.deepInclude(events, { _tag: "BundlesChanged", agent_ids: [agentId(1)] })

        yield* submit(saveAgent(1, { labels: given }, update()))
        const facts = { ...factsOf(enrol("b", "key-two")), labels: { tier: "core" } }
        yield* submit({ _tag: "RecordAgentFacts", agent_id: agentId(1), facts, ip_address: "192.0.2.7" })
        yield* submit(enrol("b", "key-two", 2, { tier: "core" }))
        assert.deepStrictEqual(yield* labels, given)
      })
    )
  )

  it.effect("refuses labels with which the agent would get hosts that clash, and the token stays good", () =>
    onMaster(
      Effect.gen(function* () {
        yield* tenant
        const name = { server_name: "same.example.com" }
        yield* submit(saveAgent(2, { labels: { tier: "edge" } }))
        yield* submit(saveHost(1, { ...name, target_agents: only(1) }))
        yield* submit(saveHost(2, { ...name, target_agents: labelled({ tier: "edge" }) }))
        yield* submit(token(1, "a"))
        assert.strictEqual((yield* rejected(enrol("a", "key-one", 1, { tier: "edge" }))).code, "CLASH")
        yield* submit(enrol("a", "key-one"))
      })
    )
  )

  it.effect("a token used by two at once serves one", () =>
    onMaster(
      Effect.gen(function* () {
        yield* tenant
        yield* submit(token(1, "a"))
        const results = yield* Effect.forEach(["k1", "k2", "k3"], (key) => Effect.result(submit(enrol("a", key))), {
          concurrency: "unbounded"
        })
        assert.strictEqual(results.filter(({ _tag }) => _tag === "Success").length, 1)
      })
    )
  )

  it.effect("refuses an expired and a revoked token", () =>
    onMaster(
      Effect.gen(function* () {
        yield* tenant
        yield* submit(token(1, "a", "1970-01-01T00:01:00.000Z"))
        yield* submit(token(2, "b"))
        yield* submit({ _tag: "RevokeEnrolmentToken", id: EnrolmentTokenId.make(uuid(10, 2)) })
        yield* TestClock.adjust("1 minute")
        assert.include((yield* rejected(enrol("a", "key"))).message, "expired")
        assert.include((yield* rejected(enrol("b", "key"))).message, "revoked")
      })
    )
  )

  it.effect("keeps the key before the last rotation as the secondary one, and a repeated rotation is one", () =>
    onMaster(
      Effect.gen(function* () {
        yield* tenant
        yield* submit(token(1, "a"))
        yield* submit(enrol("a", "key-one"))
        const rotation: Command = {
          _tag: "RotateAgentKey",
          agent_id: agentId(1),
          session_key: { key_id: KeyId.make(uuid(11, 5)), key: sealed("key-5") }
        }
        yield* submit(rotation)
        yield* submit(rotation)
        const keys = yield* Reads.use((reads) => reads.agentKeys(agentId(1)))
        assert.strictEqual(keys?.primary.key_id, uuid(11, 5))
        assert.strictEqual(keys?.secondary?.key_id, uuid(11, 1))
        yield* submit({ _tag: "DeleteAgent", if_match: null, id: agentId(1) })
        assert.isUndefined(yield* Reads.use((reads) => reads.agentKeys(agentId(1))))
      })
    )
  )
})
