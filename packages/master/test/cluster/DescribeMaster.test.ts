import { assert, describe, it } from "@effect/vitest"
import { isOutdated } from "@nxmesh/master/cluster/DescribeMaster"
import { MasterId } from "@nxmesh/protocol/Ids"
import { MasterDescription, StoredMaster } from "@nxmesh/protocol/model/Master"
import { Schema } from "effect"

const id = MasterId.make("0197c0de-0000-7000-8000-000000000001")
const described = Schema.decodeUnknownSync(MasterDescription)({
  id,
  name: "m1",
  peer_address: "m1:7443",
  agent_address: "m1:8443",
  http_address: "m1:8080",
  version: "0.1.0",
  cluster_versions: { lowest: 1, highest: 1 }
})
const stored = Schema.decodeUnknownSync(StoredMaster)({
  ...Schema.encodeSync(MasterDescription)(described),
  voter: true,
  created_at: "2026-01-01T00:00:00.000Z",
  updated_at: "2026-01-01T00:00:00.000Z",
  revision: 7
})

describe("telling the cluster what a master is", () => {
  it("is needed when a name, an address or a version changed, and not otherwise", () => {
    assert.isFalse(isOutdated([stored], described))
    assert.isTrue(isOutdated([stored], { ...described, name: "m2" }))
    assert.isTrue(isOutdated([stored], { ...described, peer_address: "m1:7444" }))
    assert.isTrue(isOutdated([stored], { ...described, version: "0.2.0" }))
    assert.isTrue(isOutdated([stored], { ...described, cluster_versions: { lowest: 1, highest: 2 } }))
  })

  it("is needed of the only master of a converted cluster, and never of one that is not a member", () => {
    assert.isTrue(isOutdated([], described))
    const other = { ...stored, id: MasterId.make("0197c0de-0000-7000-8000-000000000002") }
    assert.isFalse(isOutdated([other], described))
  })
})
