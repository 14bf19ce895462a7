/**
 * What one change costs the config engine: 5,000 virtual hosts, 2,000 agents. Printed per change: taking it in, naming
 * the agents affected, the new generation's hash, and the delta that travels.
 */
import { performance } from "node:perf_hooks"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import { Catalogue } from "@nxmesh/master/config/Catalogue"
import { deltaBetween } from "@nxmesh/master/config/Manifest"
import { agentId, host, hostId, location, organization, workspace } from "../packages/master/test/config/Fixtures.ts"

const hostsMax = 5_000
const agentsMax = 2_000
const rounds = 200

const site = (number: number, fields: Partial<VirtualHost> = {}) =>
  host(number, { locations: [location({ return: null, proxy_pass: "http://10.0.0.1:8080" })], ...fields })

const millis = (run: () => void): number => {
  const started = performance.now()
  run()
  return performance.now() - started
}

/** Median and 99th percentile of `rounds` runs. */
const measure = (name: string, run: (round: number) => void): void => {
  const times = Array.from({ length: rounds }, (_, round) => millis(() => run(round))).sort((a, b) => a - b)
  const at = (share: number) => (times[Math.floor(times.length * share)] ?? 0).toFixed(3)
  process.stdout.write(`${name.padEnd(64)} p50 ${at(0.5).padStart(8)} ms   p99 ${at(0.99).padStart(8)} ms\n`)
}

const catalogue = new Catalogue()
catalogue.setWorkspace(workspace(1), { organization_id: organization(1) })
for (let number = 1; number <= agentsMax; number++) {
  catalogue.setAgent(agentId(number), {
    workspace_id: workspace(1),
    labels: { tier: number % 2 === 0 ? "edge" : "core", rack: String(number % 50) }
  })
}
const loading = millis(() => {
  for (let number = 1; number <= hostsMax; number++) catalogue.setHost(hostId(number), site(number))
  catalogue.settle()
})
process.stdout.write(`${"load 5,000 hosts".padEnd(64)} ${loading.toFixed(1)} ms\n`)
const firstAsk = millis(() => {
  for (let number = 1; number <= agentsMax; number++) void catalogue.manifestOf(agentId(number))?.generation
})
process.stdout.write(`${"first generation of each of 2,000 agents".padEnd(64)} ${firstAsk.toFixed(1)} ms\n`)

measure("one host of 5,000 changes: 2,000 agents affected", (round) => {
  catalogue.setHost(hostId(1), site(1, { gzip_enabled: round % 2 === 0 }))
  catalogue.settle()
})
measure("the same with the new generation's hash and the delta", (round) => {
  const base = catalogue.manifestOf(agentId(1))
  catalogue.setHost(hostId(1), site(1, { gzip_enabled: round % 2 === 0 }))
  catalogue.settle()
  const manifest = catalogue.manifestOf(agentId(1))
  if (base === undefined || manifest === undefined) throw new Error("the agent has no bundle")
  void manifest.generation
  if (deltaBetween(base, manifest).put.length !== 1) throw new Error("the delta is not one host")
})
measure("one host changes its selector to one rack and back", (round) => {
  const target_agents =
    round % 2 === 0 ? ({ scope: "labels", match_labels: { rack: "7" } } as const) : ({ scope: "workspace" } as const)
  catalogue.setHost(hostId(2), site(2, { target_agents }))
  catalogue.settle()
})
measure("one agent's labels change, its generation included", (round) => {
  catalogue.setAgent(agentId(9), {
    workspace_id: workspace(1),
    labels: { tier: "edge", rack: round % 2 === 0 ? "7" : "8" }
  })
  catalogue.settle()
  void catalogue.manifestOf(agentId(9))?.generation
})
