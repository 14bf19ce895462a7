/** The version of this release, as `nxmesh --version` tells it. */
import { readFileSync } from "node:fs"
import { Schema } from "effect"

const Manifest = Schema.fromJsonString(Schema.Struct({ version: Schema.String }))

export const { version } = Schema.decodeUnknownSync(Manifest)(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8")
)
