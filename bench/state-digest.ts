/**
 * What it costs to keep the digest of the state (rule 12): the same commands applied to two states, one of which keeps it, in
 * turns, so that both meet the same machine; processor time of the thread that applies. And reading all of a state for it.
 *
 *   npm run bench state-digest -- 100000
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { performance } from "node:perf_hooks"
import process, { argv } from "node:process"
import { type Connection, openConnection } from "@nxmesh/master/state/Connection"
import { fullDigest, keepDigest, stateDigest } from "@nxmesh/master/state/digest/StateDigest"
import { migrate } from "@nxmesh/master/state/Migrations"
import { type AppliedPoint, applyBatch, readApplied } from "@nxmesh/master/state/StateMachine"
import type { Command } from "@nxmesh/protocol/Command"
import { proposalOf } from "../packages/master/test/state/replica/TestState.ts"
import {
  saveAgent,
  saveOrganization,
  saveUpstream,
  saveWorkspace,
  update
} from "../packages/master/test/state/TestMaster.ts"
import { table } from "./Statistics.ts"
import { servers } from "./Upstreams.ts"

const resources = Number(argv[2] ?? 20_000)
const batch = 50

interface State {
  readonly connection: Connection
  applied: AppliedPoint
  /** Microseconds. */
  cpu: number
}

const opened = (directory: string, name: string, isKept: boolean): State => {
  const connection = openConnection(join(directory, name), { readOnly: false, busyMillisMax: 1_000 })
  connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF;")
  migrate(connection)
  if (isKept) keepDigest(connection)
  return { connection, applied: readApplied(connection), cpu: 0 }
}

const apply = (state: State, commands: ReadonlyArray<Command>): void => {
  const first = state.applied.index + 1
  const entries = commands.map((command, i) => ({
    index: first + i,
    term: 1,
    atMillis: first,
    proposal: proposalOf(command)
  }))
  const before = process.cpuUsage()
  state.applied = applyBatch(state.connection, state.applied, {
    entries,
    last: { index: first + commands.length - 1, term: 1 }
  }).applied
  const { system, user } = process.cpuUsage(before)
  state.cpu += user + system
}

const directory = mkdtempSync(join(tmpdir(), "state-digest-"))
try {
  const states = [opened(directory, "without.db", false), opened(directory, "with.db", true)] as const
  const both = (commands: ReadonlyArray<Command>): void => states.forEach((state) => apply(state, commands))
  const perCommand = (count: number): ReadonlyArray<string> =>
    states.map((state) => {
      const micros = state.cpu / count
      state.cpu = 0
      return `${micros.toFixed(0)} µs`
    })
  both([saveOrganization(1), saveWorkspace(1), saveAgent(1)])
  perCommand(1)
  const numbers = Array.from({ length: resources / batch }, (_, i) => i * batch + 1)
  for (const from of numbers) both(Array.from({ length: batch }, (_, i) => saveUpstream(from + i, { servers })))
  const created = perCommand(resources)
  for (const from of numbers) {
    both(Array.from({ length: batch }, (_, i) => saveUpstream(from + i, { keepalive_connections: 7 }, update())))
  }
  const updated = perCommand(resources)

  const { connection } = states[1]
  const reading = performance.now()
  const isRight = fullDigest(connection) === stateDigest(connection)
  const read = ((performance.now() - reading) / 1_000).toFixed(1)
  process.stdout.write(
    `${table([
      ["one command, in batches of 50", "without", "with digest"],
      ["create an upstream", ...created],
      ["change an upstream", ...updated]
    ])}\nall rows of ${resources} upstreams, twice saved, with versions and audit: ${read} s${isRight ? "" : " (WRONG)"}\n`
  )
  for (const state of states) state.connection.close()
} finally {
  rmSync(directory, { recursive: true, force: true })
}
