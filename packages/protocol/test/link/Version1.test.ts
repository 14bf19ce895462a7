/** What masters and agents of 0.1.0 say to each other, as it was on the wire. Link version 1. */
import { Directive, directiveSince } from "@nxmesh/protocol/link/Directive"
import { commonVersion, spokenVersions } from "@nxmesh/protocol/link/LinkVersion"
import { LinkRefused } from "@nxmesh/protocol/link/LinkRefused"
import { Enrolled, Enrolment, Registered, Registration } from "@nxmesh/protocol/link/Registration"
import { DeploymentReport } from "@nxmesh/protocol/link/Report"
import { HealthReport } from "@nxmesh/protocol/model/Health"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"

const generation = "a".repeat(64)
const id = "018f0000-0000-7000-8000-000000000001"
const facts = `{"hostname":"web-1","version":"0.1.0","deployment_mode":"standalone","nginx":{"version":"1.22.1","modules":["http_v2"]},"capabilities":["delta","key_rotation"]}`

const fromAgents: ReadonlyArray<readonly [string, Schema.Codec<unknown, unknown>, string]> = [
  ["Enrol", Enrolment, `{"token":"t0ken","public_key":"a2V5","proof":"cHJvb2Y=","facts":${facts}}`],
  [
    "Register",
    Registration,
    `{"protocol":{"oldest":1,"newest":1},"facts":${facts},"connection_epoch":7,"highest_order":{"epoch":1,"index":900},"serving":"${generation}"}`
  ],
  [
    "ReportHealth",
    HealthReport,
    `{"timestamp":"2026-03-02T14:30:00.000Z","nginx_status":{"is_running":true,"pid":7,"uptime_seconds":1.5,"active_connections":1,"requests_per_second":0.5},"system_metrics":{"cpu_percent":1,"memory_used_mb":1,"memory_total_mb":2,"disk_used_gb":1,"disk_total_gb":2},"config_checksum":"${generation}","alerts":[]}`
  ],
  [
    "ReportDeployments",
    DeploymentReport,
    `{"outcomes":[{"id":"${id}","generation":"${generation}","status":"settled","started_at":"2026-03-02T14:30:00.000Z","finished_at":"2026-03-02T14:30:01.000Z","serving_after_millis":5,"settled_after_millis":100,"serving_generation":"${generation}","warnings":[],"error":null}]}`
  ]
]

const order = `{"epoch":1,"index":901}`
const fromMasters: ReadonlyArray<readonly [string, Schema.Codec<unknown, unknown>, string]> = [
  [
    "Enrol",
    Enrolled,
    `{"agent_id":"${id}","key_id":"${id}","session_key":"a2V5","cluster_id":"${id}","masters":["m1.example:8443"]}`
  ],
  [
    "Register",
    Registered,
    `{"protocol":1,"heartbeat_seconds":30,"server_time":"2026-03-02T14:30:00.000Z","cluster_epoch":1,"masters":[]}`
  ],
  [
    "Deploy, full",
    Directive,
    `{"_tag":"Deploy","order":${order},"deployment_id":"${id}","update":{"_tag":"Full","bundle":{"generation":"${generation}","resources":[]}},"reload_interval_seconds":0}`
  ],
  [
    "Deploy, delta",
    Directive,
    `{"_tag":"Deploy","order":${order},"deployment_id":"${id}","update":{"_tag":"Delta","base":"${generation}","generation":"${"b".repeat(64)}","put":[],"removed":["virtual_host:1"]},"reload_interval_seconds":5}`
  ],
  ["Hold", Directive, `{"_tag":"Hold","order":${order},"reason":"the agent is in maintenance"}`],
  ["RotateKey", Directive, `{"_tag":"RotateKey","key_id":"${id}"}`],
  ["Goodbye", Directive, `{"_tag":"Goodbye","reason":"the master stops"}`],
  [
    "a refusal",
    LinkRefused,
    `{"_tag":"LinkRefused","reason":"unavailable","permanent":false,"detail":"the master stops"}`
  ]
]

describe("link version 1", () => {
  it("is still spoken, with either side being the older one", () => {
    assert.strictEqual(commonVersion(spokenVersions, { oldest: 1, newest: 1 }), 1)
  })

  for (const [who, messages] of [
    ["an agent of 0.1.0 to this master, and this agent to a master of 0.1.0", fromAgents],
    ["a master of 0.1.0 to this agent, and this master to an agent of 0.1.0", fromMasters]
  ] as const) {
    for (const [name, schema, text] of messages) {
      it(`reads and writes what ${who} says: ${name}`, () => {
        const codec = Schema.toCodecJson(schema)
        const value = Schema.decodeUnknownSync(codec)(JSON.parse(text))
        assert.deepStrictEqual(JSON.parse(JSON.stringify(Schema.encodeSync(codec)(value))), JSON.parse(text))
      })
    }
  }

  it("has no directives but these", () => {
    const sent = fromMasters.flatMap(([, schema, text]) =>
      schema === Directive ? [(JSON.parse(text) as Directive)._tag] : []
    )
    for (const tag of sent) assert.strictEqual(directiveSince(tag), 1)
  })
})
