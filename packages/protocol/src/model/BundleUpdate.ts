import { Schema } from "effect"
import { Generation } from "../Ids.ts"
import { Bundle, BundleResource } from "./Bundle.ts"

/** All of a bundle, or what differs from the one the agent said it has; the generation is the hash of the whole. */
export const BundleUpdate = Schema.Union([
  Schema.TaggedStruct("Full", { bundle: Bundle }),
  Schema.TaggedStruct("Delta", {
    base: Generation,
    generation: Generation,
    put: Schema.Array(BundleResource),
    /** Keys. */
    removed: Schema.Array(Schema.String)
  })
])
export type BundleUpdate = typeof BundleUpdate.Type
