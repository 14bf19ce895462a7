import { isKeyProof, keyProof } from "@nxmesh/core/crypto/KeyProof"
import { assert, describe, it } from "@effect/vitest"

const secret = Buffer.alloc(32, 7)
const proof = keyProof(secret, "join", ["public key", "binding"])

describe("keyProof", () => {
  it("shows the secret for one purpose and one list of texts", () => {
    assert.isTrue(isKeyProof(proof, secret, "join", ["public key", "binding"]))
  })
  it("is another one for another secret, another purpose and other texts", () => {
    assert.isFalse(isKeyProof(proof, Buffer.alloc(32, 8), "join", ["public key", "binding"]))
    assert.isFalse(isKeyProof(proof, secret, "form", ["public key", "binding"]))
    assert.isFalse(isKeyProof(proof, secret, "join", ["public key", "other"]))
    assert.isFalse(isKeyProof(proof, secret, "join", ["public keybinding"]))
    assert.isFalse(isKeyProof(proof, secret, "join", ["public", " keybinding"]))
    assert.isFalse(isKeyProof(proof, secret, "join", ["binding", "public key"]))
  })
  it("takes text and its bytes for the same, and refuses what is no proof", () => {
    assert.strictEqual(keyProof(secret, "join", [Buffer.from("a")]), keyProof(secret, "join", ["a"]))
    for (const wrong of ["", "A", proof.slice(1)])
      assert.isFalse(isKeyProof(wrong, secret, "join", ["public key", "binding"]))
  })
})
