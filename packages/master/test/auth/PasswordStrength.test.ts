import { passwordProblem } from "@nxmesh/master/auth/PasswordStrength"
import { assert, describe, test } from "@effect/vitest"

const ada = { email: "ada.lovelace@example.com", name: "Ada Lovelace" }

describe("A password", () => {
  test.each([
    ["eleven char", "must have at least 12 characters"],
    // Twelve code units, six characters.
    ["😀😁😂😃😄😅", "must have at least 12 characters"],
    ["aaaaaaaaaaaa", "must not be a repetition or a sequence"],
    ["abcabcabcabcab", "must not be a repetition or a sequence"],
    ["123456789012", "must not be a repetition or a sequence"],
    ["zyxwvutsrqpo", "must not be a repetition or a sequence"],
    ["Password1234!", "is among the first that anybody guesses"],
    ["P@ssw0rd!2026", "is among the first that anybody guesses"],
    ["Welcome-2026!!", "is among the first that anybody guesses"],
    ["qwertyuiop12", "is among the first that anybody guesses"],
    ["administrator", "is among the first that anybody guesses"],
    ["2026!!!202612", "is among the first that anybody guesses"],
    ["nxmesh-2026-nginx", null],
    ["ada.lovelace@example.com", "must not be made of your own email or name"],
    ["Lovelace2026!", "must not be made of your own email or name"],
    ["lovelace rides a blue horse", null],
    ["correct horse battery", null],
    ["a passing thought of clouds", null],
    ["кит плывёт на север", null]
  ])("%s: %s", (password, problem) => assert.strictEqual(passwordProblem(password, ada, 12), problem))

  test("is as long as the installation asks", () => {
    assert.strictEqual(passwordProblem("fifteen letters", ada, 16), "must have at least 16 characters")
    assert.isNull(passwordProblem("sixteen letters!", ada, 16))
  })

  test("is the same however its accents are written", () => {
    assert.strictEqual(
      passwordProblem("a\u0301a\u0301a\u0301a\u0301a\u0301a\u0301a\u0301a\u0301a\u0301a\u0301", ada, 12),
      "must have at least 12 characters"
    )
  })
})
