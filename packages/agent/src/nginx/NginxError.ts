/** What went wrong between the agent and nginx. Never crosses a wire: a deployment's outcome carries its words. */
import { Data } from "effect"

export class NginxError extends Data.TaggedError("NginxError")<{
  /** `stopped`: a person wants none to run. */
  readonly reason: "not_running" | "stopped" | "not_nginx" | "command" | "refused" | "proof" | "start"
  /** Says what happened and what the operator can do. */
  readonly message: string
  /** nginx's own lines, when it spoke. */
  readonly output?: string
}> {}
