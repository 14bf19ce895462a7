/** Runs the nginx binary for its version and for its opinion: `-V`, `-t`, `-T`. */
import { Effect } from "effect"
import { Limits } from "../Limits.ts"
import * as BoundedCommand from "./BoundedCommand.ts"
import { NginxError } from "./NginxError.ts"

/** What `nginx -V` prints: version, TLS library and the arguments of `configure`. */
export const version = Effect.fn("NginxBinary.version")(function* (
  binary: string
): Effect.fn.Return<string, NginxError> {
  const result = yield* BoundedCommand.run({ program: binary, arguments: ["-V"], timeout: Limits.nginxVersionTimeout })
  if (result.exitCode === 0) return result.stderr
  return yield* new NginxError({
    reason: "command",
    message: `${binary} -V failed: ${result.stderr.trim()}`,
    output: result.stderr
  })
})
