/** Where an agent's machine differs from the generation that settled last. */
import { Schema } from "effect"
import { Generation } from "../Ids.ts"
import { Limits } from "../Limits.ts"
import { Timestamp } from "./Text.ts"

/**
 * changed, missing, added: a file of the tree. link: `current` names another directory. binary, modules: nginx was replaced
 * since the generation settled. foreign: a file outside of the tree that nginx reads, as nginx.conf.
 */
export const DriftKind = Schema.Literals(["changed", "missing", "added", "link", "binary", "modules", "foreign"])
export type DriftKind = typeof DriftKind.Type

export const DriftedFile = Schema.Struct({
  kind: DriftKind,
  /** In the tree, or absolute when it lies outside. */
  path: Schema.String.check(Schema.isMaxLength(Limits.pathCharactersMax)),
  /** Unified, from the settled text to what was found; empty where there is nothing to show, as of keys. */
  diff: Schema.String.check(Schema.isMaxLength(Limits.driftDiffCharactersMax))
})
export type DriftedFile = typeof DriftedFile.Type

/** alerted: left as found. reverted: put back. revert_failed: tried in vain. accepting: offered to the masters as the next version. */
export const DriftResponse = Schema.Literals(["alerted", "reverted", "revert_failed", "accepting"])
export type DriftResponse = typeof DriftResponse.Type

export const Drift = Schema.Struct({
  found_at: Timestamp,
  /** Which it differs from. */
  generation: Generation,
  response: DriftResponse,
  files: Schema.Array(DriftedFile).check(Schema.isMaxLength(Limits.driftedFilesMax)),
  /** Files beyond those. */
  omitted: Schema.Int
}).annotate({ identifier: "Drift" })
export type Drift = typeof Drift.Type
