/** An agent in a container of its own: `node agentInPod.ts OPTIONS` deploys to the nginx of the other one and prints what came of it. */
import { Effect, Layer } from "effect"
import { readdirSync } from "node:fs"
import * as Doctor from "@nxmesh/agent/cli/Doctor"
import * as Detection from "@nxmesh/agent/modes/Detection"
import type { ModeCapabilities } from "@nxmesh/agent/modes/ModeCapabilities"
import * as SidecarStart from "@nxmesh/agent/modes/SidecarStart"
import { NginxFacts } from "@nxmesh/agent/nginx/NginxFacts"
import { NginxInstance, type NginxInstanceSettings } from "@nxmesh/agent/nginx/NginxInstance"
import * as NginxProcess from "@nxmesh/agent/nginx/NginxProcess"
import * as ProcessTable from "@nxmesh/agent/nginx/ProcessTable"
import type { NginxCapabilities } from "@nxmesh/protocol/model/Agent"
import type { DeploymentOutcome } from "@nxmesh/protocol/model/Deployment"
import { deployingOn } from "../agent/Deploying.ts"
import { dataDirectory, get, site, Trees, until } from "../agent/Instance.ts"

export interface Report {
  readonly mode: ModeCapabilities
  readonly nginx: NginxCapabilities | string
  /** What `nxmesh-agent doctor` says there. */
  readonly doctor: ReadonlyArray<string>
  readonly pid: number
  readonly good: DeploymentOutcome
  readonly bad: DeploymentOutcome
  /** What a client got after the bad one. */
  readonly served: string | null
  /** Of the nginx that came after the first was killed. */
  readonly later: { readonly pid: number; readonly outcome: DeploymentOutcome; readonly served: string | null } | null
  /** What the agent can see of nginx's own configuration, at nginx's path. */
  readonly ownFiles: ReadonlyArray<string>
}

interface Options {
  readonly instance: NginxInstanceSettings
  readonly port: number
  readonly restart: boolean
}

const { instance, port, restart } = JSON.parse(process.argv[2] ?? "{}") as Options

const masterPid = Effect.map(
  Effect.orElseSucceed(NginxProcess.find(instance.pidFile), () => null),
  (master) => master?.pid ?? 0
)

const program = deployingOn(instance, new Trees(), ({ apply }) =>
  Effect.gen(function* () {
    const { capabilities } = yield* NginxFacts
    const nginx = yield* Effect.catch(capabilities, ({ message }) => Effect.succeed(message))
    const mode = yield* Detection.capabilities(instance, "docker_sidecar")
    const doctor = Doctor.describe(yield* Doctor.examine(dataDirectory(instance), true, "docker_sidecar"))
    const pid = yield* masterPid
    const good = yield* apply([site("a.test", port, "one")])
    const bad = yield* apply([site("a.test", port, "two", "    bogus on;\n")])
    const served = yield* get(port, "a.test")
    const report: Report = {
      mode,
      nginx,
      doctor,
      pid,
      good,
      bad,
      served,
      later: null,
      ownFiles: readdirSync("/etc/nginx")
    }
    if (!restart) return report
    // As the out-of-memory killer ends a container: the socket stays on the volume, where the next nginx has to bind.
    const master = yield* NginxProcess.find(instance.pidFile)
    for (const one of [master, ...ProcessTable.children(master.pid)]) yield* NginxProcess.signal(one, "SIGKILL")
    yield* until(Effect.map(masterPid, (now) => now > 0 && now !== pid))
    yield* until(Effect.map(get(port, "a.test"), (body) => body === "one"))
    const outcome = yield* apply([site("a.test", port, "three")])
    return { ...report, later: { pid: yield* masterPid, outcome, served: yield* get(port, "a.test") } }
  }).pipe(
    Effect.provide(Layer.merge(NginxFacts.layer, SidecarStart.layer)),
    Effect.provideService(NginxInstance, instance)
  )
)
process.stdout.write(JSON.stringify(await Effect.runPromise(program)))
