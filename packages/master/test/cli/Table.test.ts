import { assert, describe, it } from "@effect/vitest"
import { bytesText, printable, table } from "../../src/cli/Table.ts"

describe("tables", () => {
  it("line up by cells of the terminal, wide characters and marks that combine included", () => {
    assert.strictEqual(
      table(
        ["NAME", "X"],
        [
          ["主机", "1"],
          ["e\u0301", "2"]
        ]
      ),
      "NAME  X\n主机  1\ne\u0301     2"
    )
  })

  it("end no line with a space, and have no rows when there are none", () => {
    assert.strictEqual(table(["A", "B"], [["long", ""]]), "A     B\nlong")
    assert.strictEqual(table(["A"], []), "A")
  })

  it("never pass on what would move the cursor", () => {
    assert.strictEqual(printable("\u001b[2Ja\nb\u009b"), "?[2Ja?b?")
    assert.strictEqual(table(["A"], [["\u001b[31mred"]]), "A\n?[31mred")
  })

  it("say sizes as people do", () => {
    assert.deepStrictEqual([0, 1, 1_023, 1_024, 1_536, 200 * 1_048_576, 5.25 * 1_073_741_824, 2 ** 60].map(bytesText), [
      "0 B",
      "1 B",
      "1023 B",
      "1.0 KiB",
      "1.5 KiB",
      "200 MiB",
      "5.3 GiB",
      "1048576 TiB"
    ])
  })
})
