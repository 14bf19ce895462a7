import { assert, describe, it } from "@effect/vitest"
import { readSettings } from "@nxmesh/core/settings/ReadSettings"
import { describeMaster, unreachableBecause } from "@nxmesh/master/consensus/Description"
import { masterUri, serverNames } from "@nxmesh/master/consensus/CertificateNames"
import { definitions, type SettingsShape } from "@nxmesh/master/Settings"
import { MasterId } from "@nxmesh/protocol/Ids"
import { MasterDescription } from "@nxmesh/protocol/model/Master"
import { Result, Schema } from "effect"

const id = MasterId.make("0197c0de-0000-7000-8000-000000000001")
const settings = (over: Partial<SettingsShape> = {}): SettingsShape => ({
  ...Result.getOrThrow(readSettings(definitions, {}, null)),
  nodeName: "m1",
  ...over
})
const peer = { host: "m1.example.com", port: 7443 }
const agent = { host: "m1.example.com", port: 8443 }

describe("what a master says of itself", () => {
  it("is well formed with default settings, and with advertised addresses", () => {
    const plain = describeMaster(settings(), id)
    assert.isTrue(Schema.is(MasterDescription)(plain))
    assert.strictEqual(plain.peer_address, "0.0.0.0:7443")
    const advertised = describeMaster(settings({ advertisePeer: peer, advertiseAgent: agent }), id)
    assert.strictEqual(advertised.peer_address, "m1.example.com:7443")
    assert.strictEqual(advertised.agent_address, "m1.example.com:8443")
    assert.strictEqual(advertised.http_address, "127.0.0.1:8080")
  })

  it("has the ports that the system chose", () => {
    const chosen = settings({ peerAddress: { host: "127.0.0.1", port: 0 } })
    assert.strictEqual(describeMaster(chosen, id, { peer: 4711, agent: 4712 }).peer_address, "127.0.0.1:4711")
    assert.strictEqual(describeMaster(chosen, id, { peer: 4711, agent: 4712 }).agent_address, "0.0.0.0:8443")
  })

  it("tells who could not be reached by others, and which setting helps", () => {
    assert.include(unreachableBecause(settings()), "NXMESH_ADVERTISE_PEER")
    assert.include(unreachableBecause(settings({ advertisePeer: { host: "::", port: 1 } })), "NXMESH_ADVERTISE_PEER")
    assert.include(unreachableBecause(settings({ peerAddress: { ...peer, port: 0 } })), "NXMESH_ADVERTISE_PEER")
    assert.include(unreachableBecause(settings({ peerAddress: peer })), "NXMESH_ADVERTISE_AGENT")
    assert.isNull(unreachableBecause(settings({ peerAddress: peer, agentAddress: agent })))
  })
})

describe("what a master's certificate names", () => {
  it("is every address by which it is reached, and none that listens everywhere", () => {
    const addresses = { advertisePeer: { host: "10.0.0.1", port: 7443 }, advertiseAgent: agent }
    assert.deepStrictEqual(serverNames(settings(addresses), "box"), {
      dnsNames: ["localhost", "m1", "box", "m1.example.com"],
      ipAddresses: ["127.0.0.1", "::1", "10.0.0.1"]
    })
  })

  it("is the node of Raft that it is", () => {
    assert.strictEqual(masterUri(id), `raft:node:${id}`)
  })
})
