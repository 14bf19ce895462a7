import { randomBytes } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { AgentServer } from "@nxmesh/master/link/AgentServer"
import { spokenVersions } from "@nxmesh/protocol/link/LinkVersion"
import { Effect } from "effect"
import { until } from "../../support/Wait.ts"
import { MasterLayer, World } from "./LinkFixture.ts"
import {
  credentialsOf,
  keyPair,
  type RawAgent,
  rawAgent,
  registration,
  type Tampering,
  unknownId,
  verdict
} from "./RawAgent.ts"

/** An enrolled agent on a connection of its own. */
const enrolled = Effect.gen(function* () {
  const world = yield* World
  const { port } = yield* AgentServer
  const { id, token } = yield* world.agent
  const agent = yield* rawAgent(port)
  const pair = keyPair()
  const answer = yield* Effect.promise(() => agent.enrol(token, pair))
  assert.strictEqual(verdict(answer), "ok")
  return { agent, credentials: credentialsOf(answer), id, pair, port, token, world }
})

const counted = (reason: string) => World.use(({ refusals }) => Effect.succeed(refusals.get(reason) ?? 0))

/** The refusal is answered, counted once more than before, and ends the connection. */
const isRefused = Effect.fnUntraced(function* (
  agent: RawAgent,
  reason: string,
  act: () => ReturnType<RawAgent["call"]>
) {
  const before = yield* counted(reason)
  assert.strictEqual(verdict(yield* Effect.promise(act)), reason)
  assert.strictEqual(yield* counted(reason), before + 1)
  assert.strictEqual(yield* Effect.promise(() => agent.closed), 4_403)
})

layer(MasterLayer, { excludeTestServices: true })("signed calls over a real socket", (it) => {
  it.effect("serves a call that is signed for its connection", () =>
    Effect.gen(function* () {
      const { agent, credentials, id, world } = yield* enrolled
      assert.strictEqual(verdict(yield* Effect.promise(() => agent.call("Register", registration, credentials))), "ok")
      assert.isTrue(world.registrations.some(({ agentId }) => agentId === id))
    })
  )

  it.effect("ignores fields that a newer agent added, and signs over them", () =>
    Effect.gen(function* () {
      const { agent, credentials } = yield* enrolled
      const newer = { ...registration, protocol: { oldest: 1, newest: 9 }, shoe_size: 42 }
      const answer = yield* Effect.promise(() => agent.call("Register", newer, credentials))
      assert.strictEqual(verdict(answer), "ok")
      assert.include(answer.exit?.value, { protocol: spokenVersions.newest })
    })
  )

  it.effect("refuses an agent that speaks no common version, and says who must upgrade", () =>
    Effect.gen(function* () {
      const { agent, credentials } = yield* enrolled
      const future = { ...registration, protocol: { oldest: 7, newest: 9 } }
      yield* isRefused(agent, "protocol_version", () => agent.call("Register", future, credentials))
    })
  )

  const minute = 60_000
  const cases: ReadonlyArray<readonly [claim: string, reason: string, tampering: () => Tampering]> = [
    ["a path other than the one that was signed", "bad_signature", () => ({ path: "/agents/RotateKey" })],
    ["a body other than the one that was signed", "bad_signature", () => ({ body: "{}" })],
    ["a signature for another connection", "bad_signature", () => ({ binding: randomBytes(32) })],
    ["a timestamp of six minutes ago", "stale", () => ({ timestampMillis: Date.now() - 6 * minute })],
    ["a timestamp six minutes ahead", "stale", () => ({ timestampMillis: Date.now() + 6 * minute })],
    ["a call without its signature", "unsigned", () => ({ without: "signature" })],
    ["a call without its nonce", "unsigned", () => ({ without: "nonce" })],
    ["an identity header set by the client", "identity_header", () => ({ headers: [["x-peer", "admin"]] })],
    ["a second agent id beside the signed one", "identity_header", () => ({ headers: [["x-agent-id", unknownId()]] })]
  ]
  for (const [claim, reason, tampering] of cases) {
    it.effect(`refuses ${claim}`, () =>
      Effect.gen(function* () {
        const { agent, credentials } = yield* enrolled
        yield* isRefused(agent, reason, () => agent.call("Register", registration, credentials, tampering()))
      })
    )
  }

  it.effect("refuses a call that is not signed at all", () =>
    Effect.gen(function* () {
      const { agent } = yield* enrolled
      yield* isRefused(agent, "unsigned", () => agent.request("Register", JSON.stringify(registration), []))
    })
  )

  it.effect("refuses a replay on the same connection", () =>
    Effect.gen(function* () {
      const { agent, credentials } = yield* enrolled
      const body = JSON.stringify(registration)
      const headers = agent.headersFor("Register", body, credentials, {})
      assert.strictEqual(verdict(yield* Effect.promise(() => agent.request("Register", body, headers))), "ok")
      yield* isRefused(agent, "replay", () => agent.request("Register", body, headers))
    })
  )

  it.effect("refuses a replay on another connection", () =>
    Effect.gen(function* () {
      const { agent, credentials, port } = yield* enrolled
      const body = JSON.stringify(registration)
      const headers = agent.headersFor("Register", body, credentials, {})
      const other = yield* rawAgent(port)
      yield* isRefused(other, "bad_signature", () => other.request("Register", body, headers))
    })
  )

  it.effect("refuses an unknown key and an unknown agent", () =>
    Effect.gen(function* () {
      const { agent, credentials, port } = yield* enrolled
      const unknownKey = { ...credentials, keyId: unknownId() }
      yield* isRefused(agent, "unknown_key", () => agent.call("Register", registration, unknownKey))
      const other = yield* rawAgent(port)
      const unknownAgent = { ...credentials, agentId: unknownId() }
      yield* isRefused(other, "unknown_agent", () => other.call("Register", registration, unknownAgent))
    })
  )

  it.effect("refuses an agent that was removed", () =>
    Effect.gen(function* () {
      const { agent, credentials, id, world } = yield* enrolled
      world.remove(id)
      yield* isRefused(agent, "unknown_agent", () => agent.call("Register", registration, credentials))
    })
  )

  it.effect("refuses another agent on a connection that belongs to one", () =>
    Effect.gen(function* () {
      const one = yield* enrolled
      const other = yield* enrolled
      assert.strictEqual(
        verdict(yield* Effect.promise(() => one.agent.call("Register", registration, one.credentials))),
        "ok"
      )
      yield* isRefused(one.agent, "other_agent", () => one.agent.call("ReportHealth", {}, other.credentials))
    })
  )

  it.effect("refuses a call before Register, without ending the connection", () =>
    Effect.gen(function* () {
      const { agent, credentials } = yield* enrolled
      const lines = { lines: [], dropped: 0 }
      const early = yield* Effect.promise(() => agent.call("ReportLogs", lines, credentials))
      assert.strictEqual(verdict(early), "unregistered")
      assert.strictEqual(verdict(yield* Effect.promise(() => agent.call("Register", registration, credentials))), "ok")
      assert.strictEqual(verdict(yield* Effect.promise(() => agent.call("ReportLogs", lines, credentials))), "ok")
    })
  )

  it.effect("takes both keys during a rotation, and not the one before", () =>
    Effect.gen(function* () {
      const { agent, credentials } = yield* enrolled
      yield* Effect.promise(() => agent.call("Register", registration, credentials))
      const rotate = (by: typeof credentials) =>
        Effect.map(
          Effect.promise(() => agent.call("RotateKey", null, by)),
          (answer) => ({ ...credentials, ...keyOf(answer.exit?.value) })
        )
      const second = yield* rotate(credentials)
      const lines = { lines: [], dropped: 0 }
      for (const key of [credentials, second]) {
        assert.strictEqual(verdict(yield* Effect.promise(() => agent.call("ReportLogs", lines, key))), "ok")
      }
      yield* rotate(second)
      yield* isRefused(agent, "unknown_key", () => agent.call("ReportLogs", lines, credentials))
    })
  )

  it.effect("burns a token: the same key may retry, another may not", () =>
    Effect.gen(function* () {
      const { agent, pair, port, token } = yield* enrolled
      assert.strictEqual(verdict(yield* Effect.promise(() => agent.enrol(token, pair))), "ok")
      const thief = yield* rawAgent(port)
      yield* isRefused(thief, "token_refused", () => thief.enrol(token, keyPair()))
    })
  )

  it.effect("gives one token that two agents use at once to one of them", () =>
    Effect.gen(function* () {
      const { port } = yield* AgentServer
      const { token } = yield* (yield* World).agent
      const agents = [yield* rawAgent(port), yield* rawAgent(port), yield* rawAgent(port)]
      const answers = yield* Effect.promise(() => Promise.all(agents.map((agent) => agent.enrol(token, keyPair()))))
      assert.deepStrictEqual(answers.map(verdict).sort(), ["ok", "token_refused", "token_refused"])
    })
  )

  it.effect("refuses a proof made on another connection", () =>
    Effect.gen(function* () {
      const { port } = yield* AgentServer
      const { token } = yield* (yield* World).agent
      const agent = yield* rawAgent(port)
      yield* isRefused(agent, "bad_proof", () => agent.enrol(token, keyPair(), { proof: "A".repeat(86) + "==" }))
    })
  )

  it.effect("refuses identity headers on the upgrade", () =>
    Effect.gen(function* () {
      const { port } = yield* AgentServer
      const before = yield* counted("identity_header")
      for (const name of ["X-Agent-ID", "X-Peer", "Authorization", "X-Forwarded-For"]) {
        const failure = yield* Effect.exit(rawAgent(port, { [name]: "018f0000-0000-7000-8000-000000000001" }))
        assert.strictEqual(failure._tag, "Failure")
      }
      yield* until(counted("identity_header"), (now) => now === before + 4, { fact: "four refusals are counted" })
    })
  )

  it.effect("ends a connection that sends what is no call", () =>
    Effect.gen(function* () {
      for (const text of ["", "{", "[]", '{"_tag":"Request"}', '{"_tag":"Request","id":{},"tag":"Enrol"}']) {
        const { port } = yield* AgentServer
        const agent = yield* rawAgent(port)
        agent.send(text)
        assert.strictEqual(yield* Effect.promise(() => agent.closed), 4_403)
      }
      assert.isAtLeast(yield* counted("malformed"), 5)
    })
  )
})

const keyOf = (value: unknown) => {
  const { key_id, session_key } = value as { readonly key_id: string; readonly session_key: string }
  return { keyId: key_id, key: Buffer.from(session_key, "base64") }
}
