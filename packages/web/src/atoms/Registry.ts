/** Where every atom of the console lives: one registry for the page's life. */
import { AtomRegistry } from "effect/reactivity"

export const registry = AtomRegistry.make({ defaultIdleTTL: 30_000 })
