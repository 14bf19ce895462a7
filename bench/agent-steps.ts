/**
 * What the agent itself does when one virtual host of many changes, step by step, before nginx is asked: taking the delta
 * in, rendering, looking for what is forbidden, and staging the tree on the disk. Each with nothing remembered of the
 * deployment before, as after a start, and with its memory.
 *
 *   npm run bench agent-steps -- --hosts 1000,5000 --rounds 5
 */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { performance } from "node:perf_hooks"
import { parseArgs } from "node:util"
import { resolveUpdate } from "@nxmesh/agent/bundle/BundleUpdates"
import { settledIn } from "@nxmesh/agent/deploy/BundleRenderer"
import * as GenerationDirectory from "@nxmesh/agent/deploy/GenerationDirectory"
import { RenderMemory } from "@nxmesh/agent/deploy/RenderMemory"
import { TreeMemory } from "@nxmesh/agent/deploy/TreeMemory"
import { forbiddenIn } from "@nxmesh/core/nginx/Forbidden"
import { makeBundle, makeResource } from "@nxmesh/core/nginx/Generation"
import { hostNames, render } from "@nxmesh/core/nginx/Render"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import { Effect, Result } from "effect"
import { answering, bundle, certificate, host, renderInput } from "../packages/core/test/nginx/Fixtures.ts"
import { millis, p50, table } from "./Statistics.ts"

const { values } = parseArgs({
  options: { hosts: { type: "string", default: "1000,5000" }, rounds: { type: "string", default: "5" } }
})
const steps = ["delta", "names", "render", "forbidden", "stage"] as const
const placeholder = "placeholder-0000000000000000000000"
const firstNumber = 16

const site = (number: number, text: string, tls: boolean) =>
  host(number, {
    locations: [answering(text)],
    ssl_enabled: tls,
    ssl_certificate_id: tls ? certificate(number).id : null,
    listen_port: tls ? 443 : 80
  })

/** What the master would send to put one resource in. */
const deltaTo = (held: Bundle, put: ReturnType<typeof makeResource>) => {
  const { generation } = makeBundle([...held.resources.filter(({ key }) => key !== put.key), put])
  return { _tag: "Delta" as const, base: held.generation, generation, put: [put], removed: [] }
}

const measure = async (root: string, count: number, tls: boolean, remembers: boolean) => {
  const numbers = Array.from({ length: count }, (_, index) => index + firstNumber)
  const certificates = tls ? numbers.map((number) => certificate(number)) : []
  let held = bundle({ hosts: numbers.map((number) => site(number, "start", tls)), certificates })
  const input = renderInput({})
  const rounds: Array<ReadonlyArray<number>> = []
  let [renders, trees] = [new RenderMemory(), new TreeMemory()]
  let previous: string | null = null
  for (let round = 0; round <= Number(values.rounds); round++) {
    const resource = makeResource({ _tag: "virtual_host", data: site(firstNumber, `round ${round}`, tls) })
    const update = deltaTo(held, resource)
    const directory = `20260302143000-${String(round).padStart(6, "0")}`
    if (!remembers) [renders, trees] = [new RenderMemory(), new TreeMemory()]
    const marks = [performance.now()]
    const mark = () => marks.push(performance.now())
    held = resolveUpdate(held, update) ?? held
    mark()
    hostNames(held)
    mark()
    const made = render({ ...input, bundle: held, directory: placeholder }, renders.hostRenderer(held))
    const tree = Result.getOrThrow(made)
    const files = settledIn(tree.files, placeholder, directory)
    mark()
    forbiddenIn(tree, {}, renders.fileCheck())
    mark()
    await Effect.runPromise(GenerationDirectory.stage(root, directory, previous, files, trees))
    mark()
    previous = directory
    if (round > 0) rounds.push(steps.map((_, at) => (marks[at + 1] ?? 0) - (marks[at] ?? 0)))
  }
  return steps.map((_, at) => p50(rounds.map((round) => round[at] ?? 0)))
}

const rows: Array<ReadonlyArray<string>> = [["hosts", "", ...steps, "together"]]
for (const tls of [false, true]) {
  for (const count of values.hosts.split(",").map(Number)) {
    for (const remembers of [false, true]) {
      const root = await mkdtemp(join(tmpdir(), "nxmesh-bench-"))
      try {
        const medians = await measure(root, count, tls, remembers)
        const together = medians.reduce((sum, one) => sum + one, 0)
        const name = `${count} ${tls ? "TLS" : "plain"}`
        rows.push([name, remembers ? "with memory" : "without", ...medians.map(millis), millis(together)])
      } finally {
        await rm(root, { recursive: true, force: true })
      }
    }
  }
}
process.stdout.write(`${table(rows)}\n`)
