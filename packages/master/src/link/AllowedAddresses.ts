/** From where agents may connect (SF-003), as the settings say; whoever is connected from elsewhere when they change is sent away. */
import { Effect, Stream } from "effect"
import { type AddressSet, allowedBy } from "../network/AddressSet.ts"
import type { InstallationSettings } from "../settings/InstallationSettings.ts"

export interface AllowedAddresses {
  readonly initial: Effect.Effect<AddressSet>
  /** The one that is in force, and each that follows. */
  readonly changes: Stream.Stream<AddressSet>
}

export const allowedAddresses = ({ changes, current }: InstallationSettings["Service"]): AllowedAddresses => ({
  initial: Effect.map(current, ({ network }) => allowedBy(network.agent_allowlist)),
  changes: changes.pipe(
    Stream.map(({ network }) => network.agent_allowlist),
    Stream.changes,
    Stream.map(allowedBy)
  )
})
