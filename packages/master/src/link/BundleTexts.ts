/**
 * Whole bundles as JSON text, encoded once for all agents that get them: agents with the same selection share one bundle.
 * The texts hold private keys, as the bundles do; they stay in memory, and within a bound.
 */
import { Bundle } from "@nxmesh/protocol/model/Bundle"
import { Effect, Schema } from "effect"

const encode = Schema.encodeEffect(Schema.toCodecJson(Bundle))

export class BundleTexts {
  readonly #charactersMax: number
  /** The one used last comes last. */
  readonly #texts = new Map<Bundle, string>()
  #characters = 0

  constructor(charactersMax: number) {
    this.#charactersMax = charactersMax
  }

  /** The text that the bundle has on the wire. */
  of(bundle: Bundle): Effect.Effect<string, Schema.SchemaError> {
    return Effect.suspend(() => {
      const known = this.#texts.get(bundle)
      if (known === undefined) {
        return Effect.map(encode(bundle), (value) => this.#keep(bundle, JSON.stringify(value)))
      }
      this.#texts.delete(bundle)
      this.#texts.set(bundle, known)
      return Effect.succeed(known)
    })
  }

  #keep(bundle: Bundle, text: string): string {
    if (text.length > this.#charactersMax || this.#texts.has(bundle)) return text
    this.#texts.set(bundle, text)
    this.#characters += text.length
    for (const [oldest, { length }] of this.#texts) {
      if (this.#characters <= this.#charactersMax) break
      this.#texts.delete(oldest)
      this.#characters -= length
    }
    return text
  }
}
