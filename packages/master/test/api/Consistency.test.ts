import { readRequest } from "@nxmesh/master/api/Consistency"
import { assert, describe, it } from "@effect/vitest"

const asked = (method: string, url: string) => {
  const request = readRequest(method, url)
  return request._tag === "Asked" ? request : assert.fail(request.rejection.message)
}
const refused = (method: string, url: string) => {
  const request = readRequest(method, url)
  return request._tag === "Refused" ? request.rejection.details : assert.fail(`${url} was taken`)
}

describe("the freshness of an answer", () => {
  it("is linearizable when nothing is said, and the URL stays as it came", () => {
    for (const url of ["/api/v1/agents", "/api/v1/agents?name=a%20b&labels=a%3Db", "/api/v1/agents?"]) {
      assert.deepStrictEqual(asked("GET", url), {
        _tag: "Asked",
        url,
        freshness: { consistency: "linearizable", minIndex: 0 }
      })
    }
  })

  it("is what the query says, which endpoints do not get to see", () => {
    assert.deepStrictEqual(asked("GET", "/api/v1/agents?consistency=stale&min_index=42"), {
      _tag: "Asked",
      url: "/api/v1/agents",
      freshness: { consistency: "stale", minIndex: 42 }
    })
    const { freshness, url } = asked("GET", "/api/v1/agents?name=web&consistency=linearizable&page=2")
    assert.strictEqual(url, "/api/v1/agents?name=web&page=2")
    assert.deepStrictEqual(freshness, { consistency: "linearizable", minIndex: 0 })
  })

  it("may wait for an index before a change, too", () => {
    assert.strictEqual(asked("PATCH", "/api/v1/agents/x?min_index=7").freshness.minIndex, 7)
  })

  it("is not stale for a change", () => {
    assert.deepStrictEqual(refused("POST", "/api/v1/agents?consistency=stale"), [
      { field: "consistency", message: "stale is for reading: a change is made on the newest state" }
    ])
  })

  it.each([
    ["consistency", "/x?consistency=eventual"],
    ["consistency", "/x?consistency="],
    ["consistency", "/x?consistency=stale&consistency=linearizable"],
    ["min_index", "/x?min_index=-1"],
    ["min_index", "/x?min_index=1e3"],
    ["min_index", "/x?min_index="],
    ["min_index", "/x?min_index=9999999999999999"],
    ["min_index", "/x?min_index=1&min_index=2"]
  ])("is refused by name when it makes no sense: %s in %s", (field, url) => {
    assert.deepStrictEqual(
      refused("GET", url).map((detail) => detail.field),
      [field]
    )
  })

  it("names every word that makes no sense", () => {
    assert.lengthOf(refused("GET", "/x?consistency=no&min_index=no"), 2)
  })
})
