/** The version of this release, as `/metrics`, logs and `--version` tell it. */
import manifest from "../package.json" with { type: "json" }

export const version: string = manifest.version
