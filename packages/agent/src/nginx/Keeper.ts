/** Who starts this nginx, and so how it is stopped and started: decided from the settings and from where its master runs. Pure. */
import { Context } from "effect"
import type { NginxInstanceSettings } from "./NginxInstance.ts"

export type Keeper =
  /** The agent itself, in a prefix of its own. */
  | { readonly _tag: "Agent" }
  /** systemd: stopping it by a signal would be undone, or count as a failure. */
  | { readonly _tag: "Systemd"; readonly unit: string }
  /** The runtime of the container that nginx is the first process of: it starts what ended. */
  | { readonly _tag: "Runtime" }
  /** Somebody, in a way that the agent does not know. */
  | { readonly _tag: "Person" }

export interface KeeperSettings {
  /** NXMESH_NGINX_SERVICE. */
  readonly unit: string | null
}

/** What the settings say; where nothing provides it, the agent has to find out. */
export const KeeperSettings = Context.Reference<KeeperSettings>("@nxmesh/agent/nginx/KeeperSettings", {
  defaultValue: () => ({ unit: null })
})

/** The system unit in a process's control group (systemd.slice(5), cgroups(7)): `0::/system.slice/nginx.service`. */
export const unitOf = (cgroup: string): string | null => {
  const unit = /^0::(?:\/[^/\n]+\.slice)+\/([^/\n]+\.service)$/m.exec(cgroup)?.[1]
  return unit === undefined || /^user@\d+\.service$/.test(unit) ? null : unit
}

export interface KeeperFacts {
  /** /proc/MASTER/cgroup, or what was kept of it; `null` when nothing is known. */
  readonly cgroup: string | null
  /** The machine was started by systemd (sd_booted(3)). */
  readonly booted: boolean
  /** The unit of the last time that the master ran. */
  readonly lastUnit: string | null
}

export const keeperOf = (
  { prefix, sidecar }: Pick<NginxInstanceSettings, "prefix" | "sidecar">,
  { unit }: KeeperSettings,
  { booted, cgroup, lastUnit }: KeeperFacts
): Keeper => {
  if (prefix !== null) return { _tag: "Agent" }
  if (sidecar === true) return { _tag: "Runtime" }
  if (unit !== null) return { _tag: "Systemd", unit }
  const found = cgroup === null ? lastUnit : unitOf(cgroup)
  return booted && found !== null ? { _tag: "Systemd", unit: found } : { _tag: "Person" }
}

/** Whether the agent may start and stop it. */
export const isOurs = (keeper: Keeper): boolean => keeper._tag === "Agent" || keeper._tag === "Systemd"

/** What an operator does where the agent can not. */
export const whatToDo = (keeper: Keeper): string =>
  keeper._tag === "Runtime"
    ? "the runtime of its container starts and stops this nginx: do it there"
    : "the agent does not know who starts this nginx: name its unit in NXMESH_NGINX_SERVICE, or do it by hand"
