import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { filesContaining } from "./Plaintext.ts"

const secret = 'planted-"secret"-0123456789'
const directory = mkdtempSync(join(tmpdir(), "nxmesh-plaintext-"))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe("Plaintext", () => {
  it("finds a secret as text, JSON, base64 at any alignment and hexadecimal, in any depth", () => {
    const bytes = Buffer.from(secret)
    mkdirSync(join(directory, "deep/er"), { recursive: true })
    const planted = {
      text: `before ${secret} after`,
      json: JSON.stringify({ secret }),
      base64: bytes.toString("base64"),
      base64b: Buffer.concat([Buffer.from("x"), bytes, Buffer.from("yy")]).toString("base64"),
      base64c: Buffer.concat([Buffer.from("xy"), bytes, Buffer.from("z")]).toString("base64"),
      hex: bytes.toString("hex"),
      "deep/er/file": secret
    }
    for (const [name, content] of Object.entries(planted)) writeFileSync(join(directory, name), content)
    writeFileSync(join(directory, "innocent"), "planted-something-else")
    const found = filesContaining(directory, secret)
    assert.sameMembers(
      [...found],
      Object.keys(planted).map((name) => join(directory, name))
    )
  })
})
