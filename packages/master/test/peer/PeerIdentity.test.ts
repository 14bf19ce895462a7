import { request } from "node:https"
import { assert, it } from "@effect/vitest"
import { makeCertificateAuthority, type KeyedCertificate } from "@nxmesh/core/crypto/CertificateAuthority"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { AgentId } from "@nxmesh/protocol/Ids"
import { Effect, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { credentialsOf, keyPair, rawAgent, verdict } from "../../../../test/integration/link/RawAgent.ts"
import { masterUri } from "../../src/consensus/CertificateNames.ts"
import { PeerClient } from "../../src/peer/PeerClient.ts"
import { admit, description, masterId } from "../state/TestCluster.ts"
import { submit } from "../state/TestMaster.ts"
import {
  agentId,
  agentToken,
  certificateOf,
  identityLayer,
  makeCommon,
  type Member,
  startMember,
  statusOf
} from "./PeerFixture.ts"

interface Answer {
  readonly status: number
  readonly body: string
}

/** One request, with whatever certificate and headers. */
const ask = (
  port: number,
  path: string,
  options: {
    readonly certificate?: KeyedCertificate
    readonly headers?: Record<string, string>
    readonly body?: string
  } = {}
) =>
  Effect.callback<Answer>((resume) => {
    const { body, certificate, headers } = options
    const asked = request(
      {
        host: "127.0.0.1",
        port,
        path,
        method: body === undefined ? "GET" : "POST",
        headers: {
          connection: "close",
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers
        },
        rejectUnauthorized: false,
        ...(certificate === undefined
          ? {}
          : { cert: certificate.certificatePem, key: Redacted.value(certificate.privateKeyPem) })
      },
      (response) => {
        const chunks: Array<Buffer> = []
        response.on("data", (chunk: Buffer) => chunks.push(chunk))
        response.on("end", () =>
          resume(Effect.succeed({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") }))
        )
      }
    )
    asked.on("error", (error) => resume(Effect.succeed({ status: 0, body: error.message })))
    asked.end(body)
  })

const reasonOf = ({ body }: Answer): string => (JSON.parse(body) as { reason: string }).reason

const admitted = (member: Member, number: number, address?: string) =>
  submit(admit(number, { master: description(number, address === undefined ? {} : { agent_address: address }) })).pipe(
    Effect.provideContext(member.context)
  )

it.live("serves a member by its certificate", () =>
  Effect.gen(function* () {
    const common = yield* makeCommon
    const member = yield* startMember(common)
    yield* admitted(member, 2)
    const certificate = yield* certificateOf(common.authority, [masterUri(masterId(2))])
    const answer = yield* ask(member.port, "/peer/v1/status", { certificate })
    assert.strictEqual(answer.status, 200, answer.body)
    assert.deepStrictEqual(JSON.parse(answer.body), statusOf(member.id))
  })
)

it.live("refuses and counts every certificate that is not a present member's", () =>
  Effect.gen(function* () {
    const common = yield* makeCommon
    const member = yield* startMember(common)
    const foreign = yield* makeCertificateAuthority("another").pipe(Effect.provide(Identifiers.layer))
    yield* admitted(member, 2)
    yield* admitted(member, 3)
    yield* submit({ _tag: "RemoveMaster", id: masterId(3) }).pipe(Effect.provideContext(member.context))
    // Issued by a clock of long ago.
    const expired = yield* certificateOf(common.authority, [masterUri(masterId(2))]).pipe(
      Effect.provide(TestClock.layer())
    )
    const cases = [
      ["no_certificate", undefined],
      ["untrusted_certificate", yield* certificateOf(foreign, [masterUri(masterId(2))])],
      ["expired_certificate", expired],
      ["no_master_name", yield* certificateOf(common.authority, [])],
      ["no_master_name", yield* certificateOf(common.authority, ["raft:client:c"])],
      ["no_master_name", yield* certificateOf(common.authority, [masterUri(masterId(2)), masterUri(masterId(1))])],
      ["not_a_member", yield* certificateOf(common.authority, [masterUri(masterId(9))])],
      ["removed", yield* certificateOf(common.authority, [masterUri(masterId(3))])]
    ] as const
    for (const [reason, certificate] of cases) {
      const before = yield* member.refused(reason)
      for (const [path, body] of [
        ["/peer/v1/status", undefined],
        [`/peer/v1/agents/${agentId}/messages`, '{"_tag":"Describe"}']
      ] as const) {
        const answer = yield* ask(member.port, path, {
          ...(certificate === undefined ? {} : { certificate }),
          ...(body === undefined ? {} : { body })
        })
        assert.deepStrictEqual([answer.status, reasonOf(answer)], [403, reason])
      }
      assert.strictEqual(yield* member.refused(reason), before + 2)
    }
  })
)

it.live("ends a member's rights on its open connection when it is removed", () =>
  Effect.gen(function* () {
    const common = yield* makeCommon
    const member = yield* startMember(common)
    yield* admitted(member, 2)
    yield* submit({
      _tag: "DescribeMaster",
      master: description(1, { agent_address: `127.0.0.1:${member.port}` })
    }).pipe(Effect.provideContext(member.context))
    const certificate = yield* certificateOf(common.authority, [masterUri(masterId(2))])
    yield* Effect.gen(function* () {
      const client = yield* PeerClient
      assert.deepStrictEqual(yield* client.status(masterId(1)), statusOf(masterId(1)))
      yield* submit({ _tag: "RemoveMaster", id: masterId(2) })
      assert.strictEqual((yield* Effect.flip(client.status(masterId(1)))).reason, "Removed")
    }).pipe(
      Effect.provide(PeerClient.layer.pipe(Layer.provide(identityLayer(masterId(2), certificate)))),
      Effect.provideContext(member.context)
    )
  })
)

it.live("lets an agent without a certificate enrol as before, and gives it nothing of the masters'", () =>
  Effect.gen(function* () {
    const common = yield* makeCommon
    const member = yield* startMember(common)
    const agent = yield* rawAgent(member.port)
    const enrolled = yield* Effect.promise(() => agent.enrol(agentToken, keyPair()))
    assert.strictEqual(verdict(enrolled), "ok")
    const credentials = credentialsOf(enrolled)
    const path = "/peer/v1/status"
    const signed = Object.fromEntries(agent.headersFor("Register", "", credentials, { path }))
    for (const headers of [signed, { authorization: `Bearer ${agentToken}` }, { "x-agent-id": credentials.agentId }]) {
      const answer = yield* ask(member.port, path, { headers })
      assert.deepStrictEqual([answer.status, reasonOf(answer)], [403, "no_certificate"])
    }
  })
)

it.live("answers what it does not know or cannot read with a reason", () =>
  Effect.gen(function* () {
    const common = yield* makeCommon
    const member = yield* startMember(common)
    yield* admitted(member, 2)
    const certificate = yield* certificateOf(common.authority, [masterUri(masterId(2))])
    const unknown = yield* ask(member.port, "/peer/v1/nothing", { certificate })
    assert.deepStrictEqual([unknown.status, reasonOf(unknown)], [403, "malformed"])
    const empty = yield* ask(member.port, "/peer/v1/join", { body: "{}" })
    assert.deepStrictEqual([empty.status, reasonOf(empty)], [403, "malformed"])
    assert.match(empty.body, /key_proof/)
    const torn = yield* ask(member.port, "/peer/v1/join", { body: "{" })
    assert.deepStrictEqual([torn.status, reasonOf(torn)], [403, "malformed"])
    const large = yield* ask(member.port, "/peer/v1/join", { body: `"${"x".repeat(5_000_000)}"` })
    assert.isTrue(large.status === 0 || reasonOf(large) === "malformed", large.body)
    assert.strictEqual((yield* ask(member.port, "/elsewhere", { certificate })).status, 426)
    assert.strictEqual(
      (yield* ask(member.port, path(AgentId.make(agentId)), { certificate, body: '{"_tag":"Describe"}' })).status,
      200
    )
  })
)

const path = (id: AgentId) => `/peer/v1/agents/${id}/messages`
