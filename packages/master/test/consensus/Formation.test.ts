import { assert, describe, it } from "@effect/vitest"
import { type DirectoryFacts, formationOf, type JoinSettings } from "@nxmesh/master/consensus/Formation"
import { Redacted } from "effect"

const empty: DirectoryFacts = {
  identity: false,
  forming: false,
  joining: false,
  rejoining: false,
  commandLog: false,
  content: false
}
const unset: JoinSettings = { bootstrapExpect: null, clusterSecretFile: null, join: [], joinToken: null }
const join = [{ host: "m1.example.com", port: 8443 }]
const token = Redacted.make("nxj1.planted")
const withToken: JoinSettings = { ...unset, join, joinToken: token }

const formation = (facts: Partial<DirectoryFacts>, settings: Partial<JoinSettings> = {}) =>
  formationOf({ ...empty, ...facts }, { ...unset, ...settings })

const problem = (facts: Partial<DirectoryFacts>, settings: Partial<JoinSettings> = {}) => {
  const decided = formation(facts, settings)
  return decided._tag === "Refuse" ? decided.problem : ""
}

describe("the way a data directory starts", () => {
  it("makes a cluster in an empty directory without settings, and with a secret for others to join by", () => {
    assert.deepStrictEqual(formation({}), { _tag: "MakeCluster" })
    assert.deepStrictEqual(formation({}, { clusterSecretFile: "/secret" }), { _tag: "MakeCluster" })
  })

  it("joins with a token, or with the cluster secret", () => {
    assert.deepStrictEqual(formation({}, withToken), { _tag: "Join", proof: { _tag: "Token", token } })
    assert.deepStrictEqual(formation({}, { join, clusterSecretFile: "/secret", bootstrapExpect: 3 }), {
      _tag: "Join",
      proof: { _tag: "ClusterSecret", secretFile: "/secret", expect: 3 }
    })
  })

  it("an identity overrides every setting about joining (rule 18)", () => {
    for (const settings of [{}, withToken, { joinToken: token }, { join, bootstrapExpect: 3 }]) {
      assert.deepStrictEqual(formation({ identity: true, content: true, forming: true }, settings), { _tag: "Start" })
    }
  })

  it("goes on with what a crash cut short", () => {
    assert.deepStrictEqual(formation({ forming: true }, withToken), { _tag: "MakeCluster" })
    assert.deepStrictEqual(formation({ joining: true }, withToken)._tag, "Join")
    assert.deepStrictEqual(formation({ commandLog: true, content: true }), { _tag: "Convert" })
    assert.deepStrictEqual(formation({ commandLog: true, content: true, identity: true }, withToken), {
      _tag: "Convert"
    })
  })

  it("takes its own place as another one, whatever else there is", () => {
    for (const settings of [{}, withToken]) {
      assert.deepStrictEqual(formation({ identity: true, rejoining: true, joining: true }, settings), {
        _tag: "Rejoin"
      })
    }
  })

  it("makes no second cluster when the settings about joining are gone after an attempt", () => {
    assert.include(problem({ joining: true }), "NXMESH_JOIN")
  })

  it("makes no other identity over a cluster's data", () => {
    assert.include(problem({ content: true }), "node.json")
    assert.include(problem({ content: true }, withToken), "node.json")
  })

  it("refuses settings that do not say what to do, and names them", () => {
    assert.include(problem({}, { joinToken: token }), "NXMESH_JOIN ")
    assert.include(problem({}, { bootstrapExpect: 3, clusterSecretFile: "/secret" }), "NXMESH_JOIN ")
    assert.include(problem({}, { join }), "NXMESH_JOIN_TOKEN or NXMESH_CLUSTER_SECRET_FILE")
    assert.include(problem({}, { ...withToken, bootstrapExpect: 3 }), "NXMESH_BOOTSTRAP_EXPECT")
  })
})
