/** What an agent can do with its nginx where it was put, from facts about both. Pure. */
import type { DeploymentMode } from "@nxmesh/protocol/model/Agent"
import type { SidecarTest } from "../nginx/SidecarTest.ts"
import type { ValidationMode } from "../nginx/Validation.ts"

export interface MasterFacts {
  readonly pid: number
  /** Effective uid; `null` when it cannot be read. */
  readonly uid: number | null
  /** This process may signal it. */
  readonly signalable: boolean
  /** Of a sidecar. */
  readonly test: SidecarTest | null
  /** nginx sees the configuration directory that the agent writes; `null` when nothing says. */
  readonly sharesConfiguration: boolean | null
  /** Both are in one network namespace; `null` when nothing says. */
  readonly sharesNetwork: boolean | null
}

export interface ModeFacts {
  readonly mode: DeploymentMode
  /** An nginx of the agent's own. */
  readonly ownsNginx: boolean
  readonly uid: number
  /** CapEff of this process, by name, as in `sys_chroot`; those that matter here. */
  readonly capabilities: ReadonlyArray<string>
  /** How a standalone agent tests. */
  readonly standaloneTest: ValidationMode
  /** `null` while none runs, or none is seen. */
  readonly master: MasterFacts | null
}

export interface ModeCapabilities {
  /** How a staged tree is tested before it serves; `null` when nothing can be deployed. */
  readonly test: ValidationMode | null
  /** Of a sidecar: 1 tests before the reload, 2 lets the reload test (design-nginx.md). */
  readonly tier: 1 | 2 | null
  /** nginx can be reloaded. */
  readonly reload: boolean
  /** Who starts nginx again: the agent itself, what runs its container, or the machine's service manager or a person. */
  readonly restart: "agent" | "runtime" | "machine"
  /** What keeps the agent from working, and what to change. */
  readonly problems: ReadonlyArray<string>
  /** What costs something. */
  readonly advice: ReadonlyArray<string>
}

const isSidecar = ({ mode }: ModeFacts): boolean => mode !== "standalone"

const sharePids: Readonly<Record<DeploymentMode, string>> = {
  docker_sidecar: `run the agent with pid: "service:nginx"`,
  k8s_sidecar: "set shareProcessNamespace: true in the pod",
  standalone: "start nginx, or set NXMESH_NGINX_PID_FILE"
}

const problemsOf = (facts: ModeFacts): ReadonlyArray<string> => {
  const { master, mode, uid } = facts
  if (master === null) {
    return isSidecar(facts)
      ? [`no nginx is among the processes that the agent sees: if its container runs, ${sharePids[mode]}`]
      : []
  }
  return [
    ...(master.signalable
      ? []
      : [
          `the agent may not signal nginx (its uid is ${uid}, that of nginx is ${master.uid ?? "not known"}): run both as the same user, or the agent as root`
        ]),
    ...(master.sharesConfiguration === false
      ? [
          "nginx does not see the configuration directory that the agent writes: mount one volume for both at NXMESH_NGINX_CONF_DIR, and say in NXMESH_LOCAL_CONF_DIR where the agent has it"
        ]
      : [])
  ]
}

const adviceOf = (facts: ModeFacts): ReadonlyArray<string> => {
  const { master } = facts
  if (master === null || !isSidecar(facts)) return []
  const missing = master.test?.missing ?? null
  return [
    ...(missing === null ? [] : [`tier 2, a configuration is tested by the reload itself: ${missing}`]),
    ...(master.sharesNetwork === false
      ? [
          "nginx is in another network namespace: the agent resolves names and probes upstreams from its own; share it (network_mode, or one pod)"
        ]
      : [])
  ]
}

export const modeCapabilities = (facts: ModeFacts): ModeCapabilities => {
  const { master } = facts
  const problems = problemsOf(facts)
  const sidecar = isSidecar(facts)
  const test = sidecar ? (master?.test?.mode ?? null) : facts.standaloneTest
  const works = problems.length === 0
  return {
    test: works ? test : null,
    tier: sidecar && works ? (test === "chroot" ? 1 : 2) : null,
    reload: master?.signalable === true,
    restart: facts.ownsNginx ? "agent" : sidecar ? "runtime" : "machine",
    problems,
    advice: adviceOf(facts)
  }
}

/** As the agent's registration names them (`facts.capabilities`), for the operator's eyes. */
export const capabilityNames = ({ reload, restart, test, tier }: ModeCapabilities): ReadonlyArray<string> => [
  ...(tier === null ? [] : [`tier_${tier}`]),
  ...(test === null ? [] : [`test_${test}`]),
  ...(reload ? ["reload"] : []),
  `restart_by_${restart}`
]
