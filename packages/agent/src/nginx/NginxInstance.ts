/** Where one nginx lives: everything the agent has to know to drive it. */
import { Context } from "effect"

export interface NginxInstanceSettings {
  readonly pidFile: string
  /** Holds the generations and the `current` link; absolute, as nginx sees it. */
  readonly confDirectory: string
  /** Holds the proof socket; 0700. */
  readonly runtimeDirectory: string
  /** Run when no master runs. A running master's own binary is preferred. */
  readonly binary: string
  /** Set when the agent runs this nginx itself, in a prefix of its own; `null` for the system's. */
  readonly prefix: string | null
}

export class NginxInstance extends Context.Service<NginxInstance, NginxInstanceSettings>()(
  "@nxmesh/agent/nginx/NginxInstance"
) {}
