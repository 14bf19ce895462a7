import { assert, describe, it } from "@effect/vitest"
import { assertNone, planted } from "./Planted.ts"
import { inexactVersions, lockedAddresses } from "./rules/Manifests.ts"
import type { Manifest } from "./rules/Manifests.ts"
import { exists, filesEnding, isProductSource, packageNames, readFileOfRepository } from "./rules/Repository.ts"
import { wrongServiceKeys } from "./rules/ServiceKeys.ts"

describe("packages", () => {
  it("have a DESIGN.md each", () =>
    assertNone(
      packageNames
        .map((name) => `packages/${name}/DESIGN.md`)
        .filter((path) => !exists(path))
        .map((path) => `${path} is missing: write Purpose and what it is not, Model, Flows, Failure, Decisions`)
    ))

  it("carry the Apache licence", () => {
    assert.match(readFileOfRepository("LICENSE"), /Apache License\s+Version 2\.0, January 2004/)
    const unlicensed = filesEnding("package.json").filter(({ text }) => JSON.parse(text).license !== "Apache-2.0")
    assertNone(unlicensed.map(({ path }) => `${path}: write "license": "Apache-2.0"`))
  })
})

describe("versions", () => {
  it("that are ranges or tags are found", () => {
    for (const version of ["^1.2.3", "~1.2.3", "1.2", "latest", "*", ">=1.0.0", "file:../a", "https://a/b.tgz"]) {
      assert.lengthOf(inexactVersions({ name: "a", devDependencies: { b: version } }), 1, version)
    }
    assertNone(inexactVersions({ name: "a", dependencies: { b: "1.2.3", c: "1.2.3-rc.1" } }))
  })

  it("are exact in every package.json", () =>
    assertNone(filesEnding("package.json").flatMap(({ text }) => inexactVersions(JSON.parse(text) as Manifest))))
})

describe("the lockfile", () => {
  it("with a registry's address is found", () => {
    assert.lengthOf(lockedAddresses('{ "resolved": "https://registry.example/a.tgz" }'), 1)
    assertNone(lockedAddresses('{ "resolved": "packages/core", "link": true }'))
  })

  it("names no registry", () => assertNone(lockedAddresses(readFileOfRepository("package-lock.json"))))
})

describe("service keys", () => {
  const service = (key: string): ReadonlyArray<string> => [
    "export class Clocks extends Context.Service<",
    "  Clocks,",
    "  { readonly now: () => Effect.Effect<number> }",
    ">()(",
    `  "${key}"`,
    ") {}"
  ]

  it("that name another place are found", () => {
    for (const key of ["Clocks", "@nxmesh/core/Clocks", "@nxmesh/master/time/Clocks", "@nxmesh/core/time/Clock"]) {
      assert.lengthOf(wrongServiceKeys(planted("packages/core/src/time/Clocks.ts", ...service(key))), 1, key)
    }
    assertNone(wrongServiceKeys(planted("packages/core/src/time/Clocks.ts", ...service("@nxmesh/core/time/Clocks"))))
    assertNone(wrongServiceKeys(planted("packages/core/src/Clocks.ts", ...service("@nxmesh/core/Clocks"))))
  })

  it("say where the service lives", () =>
    assertNone(
      filesEnding(".ts", ".tsx")
        .filter(({ path }) => isProductSource(path))
        .flatMap(wrongServiceKeys)
    ))
})
