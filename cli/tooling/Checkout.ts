import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

/** The folder of this checkout. */
export const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..")

/** A path inside this checkout. */
export const inCheckout = (...segments: ReadonlyArray<string>): string => join(root, ...segments)
