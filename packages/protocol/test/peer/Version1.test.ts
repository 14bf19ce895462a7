/** What masters of cluster version 1 ask each other, as it was on the wire (commit 8f9fd62): read, and written, by those of today. */
import { AgentMessage, AgentReply, PresenceAnswer, PresenceQuestion } from "@nxmesh/protocol/peer/AgentMessage"
import { FormingAnswer, FormingQuestion } from "@nxmesh/protocol/peer/Forming"
import { JoinAccepted, JoinPayload } from "@nxmesh/protocol/peer/Joining"
import { PeerRefused, PeerUnavailable } from "@nxmesh/protocol/peer/PeerRefused"
import { PeerStatus } from "@nxmesh/protocol/peer/PeerStatus"
import { Directive } from "@nxmesh/protocol/link/Directive"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"

const id = "018f0000-0000-7000-8000-000000000001"
const mac = `${"A".repeat(43)}=`
const generation = "a".repeat(64)
const master = `{"id":"${id}","name":"m1","peer_address":"m1.example:7443","agent_address":"m1.example:8443","http_address":"m1.example:8080","version":"0.1.0","cluster_versions":{"lowest":1,"highest":1}}`
const health = `{"timestamp":"2026-03-02T14:30:00.000Z","nginx_status":{"is_running":true,"pid":7,"uptime_seconds":1.5,"active_connections":1,"requests_per_second":0.5},"system_metrics":{"cpu_percent":1,"memory_used_mb":1,"memory_total_mb":2,"disk_used_gb":1,"disk_total_gb":2},"config_checksum":"${generation}","alerts":[]}`

type Recorded = readonly [name: string, schema: Schema.Codec<unknown, unknown>, text: string]

const questions: ReadonlyArray<Recorded> = [
  [
    "join, with a token",
    JoinPayload,
    `{"proof":{"_tag":"Token","token":"nxj1.x"},"certificate_request":"-----BEGIN","master":${master},"dns_names":["m1.example"],"ip_addresses":["192.0.2.1"],"key_proof":"${mac}"}`
  ],
  [
    "join, with the cluster secret",
    JoinPayload,
    `{"proof":{"_tag":"ClusterSecret","mac":"${mac}"},"certificate_request":"-----BEGIN","master":${master},"dns_names":[],"ip_addresses":[],"key_proof":"${mac}"}`
  ],
  ["forming", FormingQuestion, `{"id":"${id}","mac":"${mac}"}`],
  ["deploy again", AgentMessage, `{"_tag":"DeployAgain"}`],
  ["describe", AgentMessage, `{"_tag":"Describe"}`],
  ["presence", PresenceQuestion, `{"since":{"incarnation":"i","sequence":7}}`],
  ["presence, from the beginning", PresenceQuestion, `{"since":null}`]
]

const answers: ReadonlyArray<Recorded> = [
  [
    "status",
    PeerStatus,
    `{"id":"${id}","role":"leader","term":3,"leader_id":"${id}","commit_index":900,"last_index":901,"applied_index":900,"version":"0.1.0","problem":null,"disk":{"data_bytes":1,"state_bytes":1,"free_bytes":2,"total_bytes":4},"warnings":["m2 is silent"],"peer_addresses":{"${id}":"m1.example:7443"}}`
  ],
  [
    "join",
    JoinAccepted,
    `{"cluster_id":"${id}","certificate_pem":"c","authority_pem":"a","masters":[${master}],"authority_mac":null}`
  ],
  ["forming", FormingAnswer, `{"view":{"id":"${id}","formed":false,"sees":["${id}"]},"mac":"${mac}"}`],
  ["taken", AgentReply, `{"_tag":"Taken"}`],
  [
    "described",
    AgentReply,
    `{"_tag":"Described","desired":"${generation}","serving":null,"in_flight":"${generation}","held":null}`
  ],
  ["not connected", AgentReply, `{"_tag":"NotConnected"}`],
  ["busy", AgentReply, `{"_tag":"Busy"}`],
  [
    "presence",
    PresenceAnswer,
    `{"incarnation":"i","sequence":8,"more":false,"sessions":1,"accepting":true,"agents":[{"agent_id":"${id}","connection_epoch":4,"connected":true,"moving":false,"last_seen_at":"2026-03-02T14:30:00.000Z","serving":"${generation}","health":${health}}]}`
  ],
  ["refused", PeerRefused, `{"_tag":"PeerRefused","reason":"not_a_member","detail":"d"}`],
  ["unavailable", PeerUnavailable, `{"_tag":"PeerUnavailable","reason":"busy","detail":"d"}`]
]

const codecOf = (schema: Schema.Codec<unknown, unknown>) => Schema.toCodecJson(schema)

describe("masters of cluster version 1 (rule 6)", () => {
  for (const [what, recorded] of [
    ["ask", questions],
    ["answer", answers]
  ] as const) {
    for (const [name, schema, text] of recorded) {
      it(`are understood, and understand, when they ${what}: ${name}`, () => {
        const value = Schema.decodeUnknownSync(codecOf(schema))(JSON.parse(text))
        assert.deepStrictEqual(JSON.parse(JSON.stringify(Schema.encodeSync(codecOf(schema))(value))), JSON.parse(text))
      })

      it(`may be told more than they know: ${what}, ${name}`, () => {
        const more = { ...(JSON.parse(text) as object), added_later: { what: "ever" } }
        const value = Schema.decodeUnknownSync(codecOf(schema))(more)
        assert.deepStrictEqual(JSON.parse(JSON.stringify(Schema.encodeSync(codecOf(schema))(value))), JSON.parse(text))
      })
    }
  }

  it("are refused for reasons that they need not know", () => {
    for (const schema of [PeerRefused, PeerUnavailable]) {
      const error = { _tag: schema.identifier, reason: "made_up_later", detail: "d" }
      assert.deepInclude(Schema.decodeUnknownSync(codecOf(schema))(error), { reason: "made_up_later" })
    }
  })

  it("tell agents of link version 2 where the masters are", () => {
    const text = `{"_tag":"Masters","masters":["m1.example:8443"]}`
    const value = Schema.decodeUnknownSync(codecOf(Directive))(JSON.parse(text))
    assert.deepStrictEqual(Schema.encodeSync(codecOf(Directive))(value), JSON.parse(text))
  })
})
