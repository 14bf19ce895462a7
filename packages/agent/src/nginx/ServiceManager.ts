/** Has systemd start, stop and restart a unit, by systemctl(1), without a shell and without asking for a password. */
import { Context, Effect, Layer } from "effect"
import { existsSync } from "node:fs"
import { Limits } from "../Limits.ts"
import * as BoundedCommand from "./BoundedCommand.ts"
import { NginxError } from "./NginxError.ts"

export type ServiceVerb = "start" | "stop" | "restart"

export interface ServiceManagerShape {
  /** Whether systemd runs this machine (sd_booted(3)). */
  readonly booted: Effect.Effect<boolean>
  /** It ended by a fault, and not because somebody stopped it. */
  readonly hasFailed: (unit: string) => Effect.Effect<boolean>
  /** Waits for the job to end. */
  readonly run: (verb: ServiceVerb, unit: string) => Effect.Effect<void, NginxError>
}

const systemctl = Effect.fn("ServiceManager.run")(function* (
  verb: ServiceVerb,
  unit: string
): Effect.fn.Return<void, NginxError> {
  const result = yield* BoundedCommand.run({
    program: "systemctl",
    arguments: ["--no-ask-password", verb, "--", unit],
    timeout: Limits.serviceTimeout
  })
  if (result.exitCode === 0) return
  const output = result.stderr.trim().slice(0, 2_000)
  return yield* new NginxError({
    reason: verb === "stop" ? "command" : "start",
    message: `systemctl ${verb} ${unit} failed: ${output}; see journalctl -u ${unit}`,
    output
  })
})

export class ServiceManager extends Context.Service<ServiceManager, ServiceManagerShape>()(
  "@nxmesh/agent/nginx/ServiceManager"
) {
  static readonly layer = Layer.succeed(ServiceManager, {
    booted: Effect.sync(() => existsSync("/run/systemd/system")),
    hasFailed: (unit) =>
      BoundedCommand.run({
        program: "systemctl",
        arguments: ["is-failed", "--quiet", "--", unit],
        timeout: Limits.nginxVersionTimeout
      }).pipe(
        Effect.map(({ exitCode }) => exitCode === 0),
        Effect.orElseSucceed(() => false)
      ),
    run: systemctl
  })
}
