// `npm run chaos`: a cluster of real masters, agents and nginx on this machine, under faults, while clients read and write.
//
//   npm run chaos -- --minutes 10                 seed by the clock
//   npm run chaos -- --minutes 10 --seed 42       the same faults in the same order
//   npm run chaos -- --kinds kill,isolate         only these; each at least once
//
// Needs root on Linux: hosts are network namespaces, disks are loop mounts. Ends with 1 when something is wrong, or not enough was tried.

import { parseArgs } from "node:util"
import { Effect } from "effect"
import { chaosRun } from "../test/chaos/ChaosRun.ts"
import { fullExpectations, judge, summary } from "../test/chaos/Judgement.ts"
import { faultKinds } from "../test/chaos/Schedule.ts"
import { canUseNamespaces } from "../test/support/Namespaces.ts"

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string" },
    clients: { type: "string", default: "16" },
    agents: { type: "string", default: "3" },
    kinds: { type: "string", default: faultKinds.join(",") }
  }
})

const say = (line: string): void => void process.stdout.write(`${line}\n`)

const kinds = values.kinds.split(",").map((name) => {
  const kind = faultKinds.find((known) => known === name)
  if (kind === undefined) throw new Error(`there is no fault "${name}"; there are: ${faultKinds.join(", ")}`)
  return kind
})

const program = Effect.gen(function* () {
  const facts = yield* chaosRun({
    seed: Number(values.seed ?? Math.floor(Date.now() / 1_000)),
    seconds: Number(values.minutes) * 60,
    operationsMin: fullExpectations.operationsMin,
    clients: Number(values.clients),
    agents: Number(values.agents),
    kinds,
    report: say
  })
  const problems = judge(facts, { ...fullExpectations, faults: kinds })
  say(`\n${summary(facts)}`)
  for (const problem of problems) say(`WRONG: ${problem}`)
  return problems.length === 0 ? 0 : 1
})

if (canUseNamespaces()) {
  const interrupted = new AbortController()
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => interrupted.abort())
  process.exitCode = await Effect.runPromise(Effect.scoped(program), { signal: interrupted.signal })
} else {
  process.stderr.write("npm run chaos needs root on Linux with iproute2: it makes network namespaces and loop mounts\n")
  process.exitCode = 2
}
