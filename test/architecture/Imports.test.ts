import { assert, describe, it } from "@effect/vitest"
import { assertNone, planted } from "./Planted.ts"
import { cycles } from "./rules/Cycles.ts"
import { agentMasterImports, barrels, forbiddenImports } from "./rules/Edges.ts"
import type { Dependencies } from "./rules/Edges.ts"
import { importsOf } from "./rules/ImportList.ts"
import type { Manifest } from "./rules/Manifests.ts"
import { exists, filesEnding, isProductSource, readFileOfRepository } from "./rules/Repository.ts"

const files = filesEnding(".ts", ".tsx")
const sources = files.filter(({ path }) => isProductSource(path))

const declared: Dependencies = {
  of: (name) => {
    const path = `packages/${name}/package.json`
    if (!exists(path)) return []
    const manifest = JSON.parse(readFileOfRepository(path)) as Manifest
    return Object.keys(manifest.dependencies ?? {})
  }
}
const none: Dependencies = { of: () => [] }

describe("importsOf", () => {
  it("finds every form of import, with its line", () => {
    const text = [
      'import a, { b } from "c"',
      'import type { d } from "./D.ts"',
      "import {",
      "  e",
      '} from "f" // from "g"',
      'import "h"',
      'const i = await import("j")',
      'export { k } from "l"',
      'export const m = "n"',
      '// import "o"'
    ].join("\n")
    assert.deepStrictEqual(
      importsOf(text).map(({ line, specifier }) => `${line} ${specifier}`),
      ["1 c", "2 ./D.ts", "3 f", "6 h", "7 j", "8 l"]
    )
  })
})

describe("edges between packages", () => {
  const violations: ReadonlyArray<[path: string, line: string]> = [
    ["packages/protocol/src/A.ts", 'import { readFileSync } from "node:fs"'],
    ["packages/protocol/src/A.ts", 'import { B } from "@nxmesh/core/B"'],
    ["packages/protocol/src/A.ts", 'import * as NodeHttp from "@effect/platform-node/NodeHttpServer"'],
    ["packages/core/src/A.ts", 'import { B } from "@nxmesh/protocol/api/B"'],
    ["packages/core/src/A.ts", 'import { B } from "@nxmesh/master/B"'],
    ["packages/core/src/A.ts", 'import left from "left-pad"'],
    ["packages/master/src/A.ts", 'import type { B } from "@nxmesh/agent/B"'],
    ["packages/master/src/A.ts", 'import { B } from "../../core/src/B.ts"'],
    ["packages/agent/src/A.ts", 'const b = await import("@nxmesh/master/B")'],
    ["packages/master/src/cli/A.ts", 'import { B } from "../state/B.ts"'],
    ["packages/master/src/cli/A.ts", 'import { B } from "@nxmesh/core/B"'],
    ["packages/raft/src/node/A.ts", 'import { B } from "@nxmesh/core/nginx/B"'],
    ["packages/raft/src/node/A.ts", 'import { B } from "@nxmesh/protocol/Ids"'],
    ["packages/raft/src/core/A.ts", 'import { Effect } from "effect"'],
    ["packages/raft/src/core/A.ts", 'import { B } from "../storage/B.ts"'],
    ["packages/unknown/src/A.ts", ""]
  ]
  for (const [path, line] of violations) {
    it(`refuses in ${path}: ${line || "a package without edges"}`, () => {
      assert.lengthOf(forbiddenImports(planted(path, line), none), 1)
    })
  }

  it("allows what ARCHITECTURE.md draws", () => {
    assertNone(forbiddenImports(planted("packages/protocol/src/a/A.ts", 'import { Schema } from "effect"'), none))
    assertNone(
      forbiddenImports(planted("packages/core/src/A.ts", 'import { B } from "@nxmesh/protocol/model/B"'), none)
    )
    assertNone(forbiddenImports(planted("packages/agent/src/A.ts", 'import { B } from "@nxmesh/core/nginx/B"'), none))
    assertNone(forbiddenImports(planted("packages/raft/src/node/A.ts", 'import { B } from "../core/B.ts"'), none))
    assertNone(forbiddenImports(planted("packages/raft/src/core/A.ts", 'import { B } from "./B.ts"'), none))
  })

  it("have one door from the CLI to what works without a master, and it leads nowhere else", () => {
    const door = "packages/master/src/cli/Offline.ts"
    assertNone(forbiddenImports(planted(door, 'const a = await import("../recovery/A.ts")'), none))
    assert.lengthOf(forbiddenImports(planted(door, 'import { A } from "../state/A.ts"'), none), 1)
    const beside = planted("packages/master/src/cli/A.ts", 'import { B } from "../recovery/B.ts"')
    assert.lengthOf(forbiddenImports(beside, none), 1)
  })

  it("hold in every source", () => assertNone(sources.flatMap((file) => forbiddenImports(file, declared))))
})

describe("agent and master", () => {
  it("are told when a test of one imports the other", () => {
    const test = planted("packages/agent/test/A.test.ts", 'import { Master } from "@nxmesh/master/Master"')
    assert.lengthOf(agentMasterImports(test), 1)
    const relative = planted("packages/master/test/A.test.ts", 'import { Agent } from "../../agent/src/Agent.ts"')
    assert.lengthOf(agentMasterImports(relative), 1)
  })

  it("never import each other", () => assertNone(files.flatMap(agentMasterImports)))
})

describe("barrels", () => {
  it("are found", () => {
    assert.lengthOf(barrels(planted("packages/core/src/A.ts", 'export * from "./B.ts"')), 1)
    assert.lengthOf(barrels(planted("packages/core/src/A.ts", 'export { B } from "./B.ts"')), 1)
    assert.lengthOf(barrels(planted("packages/core/src/A.ts", "export const a = 1", 'export * from "./B.ts"')), 1)
    assert.lengthOf(barrels(planted("packages/core/src/index.ts", "export const a = 1")), 1)
    assertNone(barrels(planted("packages/core/src/A.ts", 'export type { B } from "./B.ts"', "export const a = 1")))
  })

  it("do not exist", () => assertNone(sources.flatMap(barrels)))
})

describe("cycles between folders", () => {
  it("are found, also through a third folder and another package", () => {
    const found = cycles([
      planted("packages/core/src/a/A.ts", 'import { B } from "../b/B.ts"'),
      planted("packages/core/src/b/B.ts", 'import { C } from "@nxmesh/master/c/C"'),
      planted("packages/master/src/c/C.ts", 'import { A } from "@nxmesh/core/a/A"')
    ])
    assert.lengthOf(found, 1)
    assert.match(found[0] ?? "", /core\/a → core\/b → master\/c → core\/a/)
  })

  it("do not exist", () => assertNone(cycles(sources)))
})
