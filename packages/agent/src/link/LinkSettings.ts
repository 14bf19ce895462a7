/** How an agent finds its masters and proves who it is the first time. */
import { Context, type Redacted } from "effect"

export class LinkSettings extends Context.Service<
  LinkSettings,
  {
    /** As `masterUrl` makes them; at least one. */
    readonly urls: ReadonlyArray<string>
    readonly token: Redacted.Redacted<string> | null
    /** SHA-256 of the authority's certificate, 64 hexadecimal digits; `null` to use the one of the enrolment. */
    readonly caFingerprint: string | null
  }
>()("@nxmesh/agent/link/LinkSettings") {}
