import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { fieldPath, schemaDetails } from "../../src/api/SchemaDetails.ts"
import { VirtualHostCreate } from "../../src/model/VirtualHost.ts"

const detailsOf = (input: unknown) => {
  const result = Schema.decodeUnknownResult(VirtualHostCreate, { errors: "all", onExcessProperty: "error" })(input)
  return Result.isFailure(result) ? schemaDetails(new Schema.SchemaError(result.failure.issue)) : []
}

describe("SchemaDetails", () => {
  it("writes a path with dots and brackets", () => {
    assert.strictEqual(fieldPath(["locations", 0, "rewrite_rules", 2, "flag"]), "locations[0].rewrite_rules[2].flag")
    assert.strictEqual(fieldPath([]), "")
    assert.strictEqual(fieldPath([3]), "[3]")
  })

  it("names every wrong field of a request at once", () => {
    const details = detailsOf({
      surprise: 1,
      name: 3,
      server_name: "a b;",
      listen_port: 70_000,
      target_agents: { scope: "labels", match_labels: {} },
      locations: [{ path: "/", root: "/srv", colour: 1 }]
    })
    assert.deepStrictEqual(details.map(({ field }) => field).toSorted(), [
      "listen_port",
      "locations[0].colour",
      "name",
      "server_name",
      "surprise",
      "target_agents.match_labels",
      "workspace_id"
    ])
    assert.deepStrictEqual(
      details.filter(({ field }) => field === "surprise" || field === "workspace_id").map(({ message }) => message),
      ["is not a known field", "is required"]
    )
  })
})
