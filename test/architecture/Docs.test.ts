import { assert, describe, it } from "@effect/vitest"
import { assertNone, planted } from "./Planted.ts"
import { anchorOf, brokenLinks } from "./rules/Links.ts"
import type { Tree } from "./rules/Links.ts"
import { exists, filesEnding, readFileOfRepository } from "./rules/Repository.ts"

const repository: Tree = { exists, read: readFileOfRepository }
const tree: Tree = {
  exists: (path) => ["docs/A.md", "docs/B.md"].includes(path),
  read: () => "# The `swap`, and why\n```\n# no heading\n```\n"
}

describe("links between documents", () => {
  it("that lead nowhere are found", () => {
    for (const target of ["C.md", "../B.md", "../../etc/passwd", "B.md#why", "B.md#no-heading", "#why"]) {
      assert.lengthOf(brokenLinks(planted("docs/A.md", `see [it](${target})`), tree), 1, target)
    }
  })

  it("to files, headings and the network pass", () => {
    for (const target of ["B.md", "./B.md", "B.md#the-swap-and-why", "#the-swap-and-why", "https://nginx.org/"]) {
      assertNone(brokenLinks(planted("docs/A.md", `see [it](${target})`), tree))
    }
    assertNone(brokenLinks(planted("docs/A.md", "`[a](b)`", "```", "[a](b)", "```"), tree))
  })

  it("use the anchors that GitHub makes", () => {
    assert.strictEqual(anchorOf("5. Where state lives: `SQLite`"), "5-where-state-lives-sqlite")
  })

  it("resolve", () => assertNone(filesEnding(".md").flatMap((file) => brokenLinks(file, repository))))
})
