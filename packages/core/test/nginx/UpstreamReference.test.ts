import { assert, describe, it } from "@effect/vitest"
import { UpstreamId } from "@nxmesh/protocol/Ids"
import { upstreamReferences } from "../../src/nginx/UpstreamReference.ts"
import { host, location, otherWorkspace, upstream, uuid } from "./Fixtures.ts"

describe("upstreamReferences", () => {
  const [a, b] = [upstream(1, { name: "a" }), upstream(2, { name: "b" })]
  const of = (...locations: ReadonlyArray<Parameters<typeof location>[0]>) =>
    upstreamReferences(host(9, { locations: locations.map(location) }), [
      a,
      b,
      upstream(3, { name: "c", workspace_id: otherWorkspace })
    ])

  it("finds upstreams by id and by name, each once, in order", () => {
    const found = of({ proxy_pass: "http://b/x" }, { upstream_id: a.id }, { proxy_pass: "https://B" }, { root: "/x" })
    assert.deepStrictEqual(found, [b.id, a.id])
  })

  it("finds none by a name with a port, a name of another workspace, or an address", () => {
    assert.deepStrictEqual(
      of({ proxy_pass: "http://a:80" }, { proxy_pass: "http://c" }, { proxy_pass: "http://10.0.0.1" }),
      []
    )
  })

  it("answers an id that is not there, so that the caller can refuse it", () => {
    const gone = UpstreamId.make(uuid(77))
    assert.deepStrictEqual(of({ upstream_id: gone }), [gone])
  })
})
