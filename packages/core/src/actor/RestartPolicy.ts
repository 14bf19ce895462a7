/** How often an actor may crash before it is given up: so many restarts within so long (Erlang's restart intensity). */
import { Duration } from "effect"

export interface RestartPolicy {
  readonly restartsMax: number
  readonly within: Duration.Duration
}

/** For an actor whose state can be built anew at any time. */
export const patient: RestartPolicy = { restartsMax: 5, within: Duration.minutes(1) }

/** Crashes are times in milliseconds, oldest first; the last one is the crash to judge. Those too old to matter are dropped. */
export const judgeCrash = (
  crashes: ReadonlyArray<number>,
  { restartsMax, within }: RestartPolicy
): { readonly restart: boolean; readonly recent: ReadonlyArray<number> } => {
  const last = crashes.at(-1) ?? 0
  const recent = crashes.filter((at) => last - at < Duration.toMillis(within))
  return { restart: recent.length <= restartsMax, recent }
}
