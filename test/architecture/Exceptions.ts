import type { Exception } from "./rules/Bans.ts"

/** The named places that may write what is banned elsewhere, each with its reason. An entry that nothing needs any more fails. */
export const exceptions: ReadonlyArray<Exception> = []
