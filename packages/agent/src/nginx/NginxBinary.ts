/** Runs the nginx binary for its version and for its opinion: `-V`, `-t`, `-T`. */
import { Effect } from "effect"
import { createReadStream } from "node:fs"
import { Limits } from "../Limits.ts"
import * as BoundedCommand from "./BoundedCommand.ts"
import * as Container from "./Container.ts"
import { NginxError } from "./NginxError.ts"
import type { NginxInstanceSettings } from "./NginxInstance.ts"
import type { NginxCommand } from "./NginxProcess.ts"

/** Runs it where it sees the files that the master sees: in a sidecar, inside the root of the master. */
export const run = (
  instance: NginxInstanceSettings,
  nginx: NginxCommand,
  command: Omit<BoundedCommand.Command, "program">
): Effect.Effect<BoundedCommand.CommandResult, NginxError> =>
  Effect.suspend(() => {
    const root = Container.rootOf(instance, nginx)
    return root === null
      ? BoundedCommand.run({ ...command, program: nginx.executable })
      : BoundedCommand.run({
          ...command,
          program: "chroot",
          opensItsOutput: true,
          arguments: [root, Container.executableInside(nginx), ...command.arguments]
        })
  })

/** What `nginx -V` prints: version, TLS library and the arguments of `configure`. */
export const version = Effect.fn("NginxBinary.version")(function* (
  instance: NginxInstanceSettings,
  nginx: NginxCommand
): Effect.fn.Return<string, NginxError> {
  const result = yield* run(instance, nginx, { arguments: ["-V"], timeout: Limits.nginxVersionTimeout }).pipe(
    Effect.catch((error) => Effect.succeed({ exitCode: 1, stdout: "", stderr: error.message, seen: false }))
  )
  if (result.exitCode === 0) return result.stderr
  const written = Container.rootOf(instance, nginx) === null ? null : yield* versionWritten(nginx.executable)
  if (written !== null) return written
  return yield* new NginxError({
    reason: "command",
    message: `${nginx.executable} -V failed: ${result.stderr.trim()}`,
    output: result.stderr
  })
})

/** The lines of `-V` as they stand in the binary (nginx, src/core/nginx.c); each ends at a line feed or a zero. */
const versionLines = [/nginx version: [^\n\0]{1,200}/, /configure arguments:[^\n\0]{1,16000}/]

/**
 * What `-V` would print, read from the binary: an agent without the right to run it in its container may still read it. `null` when
 * it cannot, or when the lines are not there.
 */
export const versionWritten = (binary: string): Effect.Effect<string | null> =>
  Effect.promise(async () => {
    const found = versionLines.map((): string | null => null)
    let tail = ""
    let bytes = 0
    try {
      for await (const chunk of createReadStream(binary, { encoding: "latin1" })) {
        bytes += String(chunk).length
        const text: string = tail + String(chunk)
        versionLines.forEach((line, index) => {
          const match = line.exec(text)?.[0]
          // The last part of a line may come with the next chunk.
          if (match !== undefined && match.length > (found[index]?.length ?? 0)) found[index] = match
        })
        if (bytes > Limits.nginxBinaryBytesMax) break
        tail = text.slice(-Limits.nginxVersionLineBytesMax)
      }
    } catch {
      return null
    }
    return found.every((line) => line !== null) ? `${found.join("\n")}\n` : null
  })
