/** The areas of the console, in the order of the sidebar, the palette and the keyboard. */
import type { Permission } from "@nxmesh/protocol/model/Permission"

export interface Area {
  readonly to: string
  readonly label: string
  /** `g` and then this key goes there. */
  readonly key: string
  /** Without it the area is not shown. */
  readonly permission?: Permission
}

export const areas: ReadonlyArray<Area> = [
  { to: "/", label: "Dashboard", key: "d" },
  { to: "/agents", label: "Agents", key: "a", permission: "agent:read" },
  { to: "/hosts", label: "Virtual hosts", key: "h", permission: "config:read" },
  { to: "/deployments", label: "Deployments", key: "p", permission: "config:read" },
  { to: "/cluster", label: "Cluster", key: "c", permission: "cluster:read" }
]
