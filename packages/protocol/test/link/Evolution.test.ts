import { AgentLink } from "@nxmesh/protocol/link/AgentLink"
import { Directive, directiveSince } from "@nxmesh/protocol/link/Directive"
import { Registered } from "@nxmesh/protocol/link/Registration"
import { AgentFrame } from "@nxmesh/protocol/link/SignedCall"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"

/** What the JSON of a value becomes on its way to a peer that does not know what was added to it. */
const travels = <S extends Schema.Codec<unknown, unknown>>(schema: S, value: S["Type"], added: object): S["Type"] => {
  const codec = Schema.toCodecJson(schema)
  const sent = { ...(Schema.encodeSync(codec)(value) as object), ...added }
  return Schema.decodeUnknownSync(codec)(JSON.parse(JSON.stringify(sent)))
}

describe("an older peer", () => {
  it("ignores what a newer master added to its answers and directives", () => {
    const registered = {
      protocol: 1,
      heartbeat_seconds: 30,
      server_time: "2026-03-02T14:30:00.000Z",
      cluster_epoch: 1,
      masters: []
    }
    assert.deepStrictEqual(travels(Registered, registered, { region: "eu" }), registered)
    const hold: Directive = { _tag: "Hold", order: { epoch: 1, index: 2 }, reason: "maintenance" }
    assert.deepStrictEqual(
      travels(Directive, hold, { until: "tomorrow", order: { epoch: 1, index: 2, hint: 3 } }),
      hold
    )
  })

  it("would break at a directive that it does not know, so each has the version since which it may be sent", () => {
    const unknown = { _tag: "Dance", tempo: 120 }
    assert.throws(() => Schema.decodeUnknownSync(Schema.toCodecJson(Directive))(unknown))
    // Those of the first version, which is 0.1.0's.
    const since = (["Deploy", "Hold", "RotateKey", "Goodbye", "Masters"] as const).map(directiveSince)
    assert.deepStrictEqual(since, [1, 1, 1, 1, 2])
  })

  it("ignores what a newer agent added to a frame, and needs no tracing", () => {
    const frame: AgentFrame = { _tag: "Request", id: 1, tag: "Register", payload: "{}", headers: [] }
    assert.deepStrictEqual(travels(AgentFrame, frame, { priority: "high" }), frame)
  })
})

describe("AgentLink", () => {
  it("has every call of the specification's agent.proto, and what came after it", () => {
    assert.deepStrictEqual(
      [...AgentLink.requests.keys()].toSorted((a, b) => a.localeCompare(b)),
      [
        "Directives",
        "Enrol",
        "FetchBundle",
        "OfferDrift",
        "Register",
        "ReportAction",
        "ReportDeployments",
        "ReportHealth",
        "ReportLogs",
        "ReportMetrics",
        "ReportOutbox",
        "RotateKey"
      ]
    )
  })
})
