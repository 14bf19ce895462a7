import { defaultOptions } from "./core/Options.ts"

/** Every bound of this package, in one place. Bare numbers carry their unit last in the name. */
export const Limits = {
  /** Of the algorithm: its defaults, which a node's settings may change. */
  core: defaultOptions
} as const
