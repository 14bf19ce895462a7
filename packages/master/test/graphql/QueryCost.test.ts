import { parse } from "graphql"
import { tooCostly } from "../../src/graphql/QueryCost.ts"
import { expect, test } from "vitest"

const judged = (query: string) => tooCostly(parse(query))

test("lets through what the console and introspection ask", () => {
  expect(judged("{ accessLogs { uri status } accessLogAggregate { key { value } latencyMs { p99 } } }")).toBeNull()
})

test("refuses what is deep, wide, or asks often, also by fragments", () => {
  const deep = (levels: number): string => (levels === 0 ? "uri" : `a { ${deep(levels - 1)} }`)
  expect(judged(`{ ${deep(20)} }`)).toMatch(/deeper than 15/)
  const wide = Array.from({ length: 600 }, (_, index) => `f${index}: uri`).join(" ")
  expect(judged(`{ accessLogs { ${wide} } }`)).toMatch(/more than 500 fields/)
  expect(
    judged("{ a: accessLogs { id } ...q ...q } fragment q on Query { b: accessLogs { id } c: accessLogs { id } }")
  ).toMatch(/more than 4 times/)
})

test("counts fragments of fragments without spreading all of them", () => {
  const fragments = Array.from(
    { length: 30 },
    (_, index) => `fragment f${index} on Query { ...f${index + 1} ...f${index + 1} }`
  ).join(" ")
  expect(judged(`{ ...f0 } ${fragments} fragment f30 on Query { accessLogs { id } }`)).not.toBeNull()
})
