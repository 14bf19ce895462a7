import { assert, describe, it } from "@effect/vitest"
import { complaintsIn } from "../../src/nginx/Complaint.ts"
import type { Complaint } from "../../src/nginx/Complaint.ts"
import { fileBlamed, twins, worst } from "../../src/nginx/Culprit.ts"
import { host, renderParts, uuid } from "./Fixtures.ts"

const said = (text: string): Complaint => {
  const [complaint] = complaintsIn(`nginx: ${text}`)
  if (complaint === undefined) throw new Error(`nginx would not say "${text}"`)
  return complaint
}

const hosts = [1, 2, 3].map((number) => host(number, { server_name: number === 3 ? "c.x" : "a.x, same.x" }))
const place = { directory: "/etc/nginx/conf.d/20260302143000-000002", files: renderParts({ hosts }).files }
const pathOf = (number: number) => place.files.find(({ resource }) => resource?.id === uuid(number))?.path

describe("Culprit", () => {
  it("prefers an error to a warning, and the first of the worst", () => {
    const complaints = [said("[warn] careful"), said("[error] late"), said("[emerg] first"), said("[emerg] second")]
    assert.strictEqual(worst(complaints)?.message, "first")
    assert.isNull(worst(complaints.slice(0, 1)))
  })

  it("blames the file that nginx names, if it is one of the tree", () => {
    const named = (path: string) => fileBlamed(said(`[emerg] unknown directive "x" in ${path}:3`), place)
    assert.strictEqual(named(`${place.directory}/${pathOf(2)}`)?.resource?.id, uuid(2))
    assert.isNull(named("/etc/nginx/nginx.conf"))
    assert.isNull(named(`/elsewhere/${pathOf(2)}`))
  })

  it("finds the servers that share a name; nginx ignores the last", () => {
    const conflict = (name: string) =>
      twins(said(`[warn] conflicting server name "${name}" on 0.0.0.0:80, ignored`), place)
    assert.deepStrictEqual(
      conflict("same.x").map(({ resource }) => resource?.id),
      [uuid(1), uuid(2)]
    )
    assert.deepStrictEqual(conflict("foreign.x"), [])
    assert.deepStrictEqual(twins(said("[warn] something else"), place), [])
  })
})
