import { parseArgs } from "node:util"
import type { ParseArgsConfig } from "node:util"

/** The options of a benchmark; one that it does not have ends it with a sentence. */
export const benchOptions = <const Options extends NonNullable<ParseArgsConfig["options"]>>(options: Options) => {
  try {
    return parseArgs({ options, strict: true }).values
  } catch (cause) {
    const names = Object.keys(options).map((name) => `--${name}`)
    process.stderr.write(`${cause instanceof Error ? cause.message : String(cause)}\nThere are: ${names.join(", ")}\n`)
    process.exit(2)
  }
}
