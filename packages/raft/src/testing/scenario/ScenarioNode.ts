/** One node of a scenario: the production core on a held disk, with a list of texts for a state machine. Says what changes. */

import { configurationAt } from "../../core/Configuration.ts"
import type { Input } from "../../core/Input.ts"
import { lastIndex, termAt } from "../../core/Log.ts"
import type { Message } from "../../core/Message.ts"
import type { Options } from "../../core/Options.ts"
import type { Append, Ready } from "../../core/Ready.ts"
import { chunkOf } from "../../core/SnapshotSender.ts"
import { configurationOf, initialState } from "../../core/State.ts"
import type { State } from "../../core/State.ts"
import { snapshotId } from "../../core/Types.ts"
import type { Configuration, Entry, Index, NodeId, Snapshot } from "../../core/Types.ts"
import { Driver } from "../../node/Driver.ts"
import { HeldDisk } from "./HeldDisk.ts"

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export const textOf = (entry: Entry): string => {
  if (entry.kind === "Empty") return "(empty)"
  return entry.kind === "Command" ? decoder.decode(entry.data) : `(members ${describe(entry.configuration)})`
}

export const describe = ({ voters, learners, outgoing, learnersNext }: Configuration): string =>
  [
    `voters=${voters.join(",") || "none"}`,
    ...(outgoing.length > 0 ? [`outgoing=${outgoing.join(",")}`] : []),
    ...(learners.length > 0 ? [`learners=${learners.join(",")}`] : []),
    ...(learnersNext.length > 0 ? [`next=${learnersNext.join(",")}`] : [])
  ].join(" ")

export class ScenarioNode {
  readonly id: NodeId
  readonly disk = new HeldDisk()
  private readonly options: Options
  private readonly bootstrap: Configuration | null
  private readonly send: (message: Message) => void
  private readonly say: (line: string) => void
  private driver: Driver | null = null
  /** What has been applied, and after which index. */
  private state: { applied: Index; texts: ReadonlyArray<string> } = { applied: 0, texts: [] }
  private incoming: Uint8Array = new Uint8Array()

  constructor(
    id: NodeId,
    options: Options,
    bootstrap: Configuration | null,
    send: (message: Message) => void,
    say: (line: string) => void
  ) {
    this.id = id
    this.options = options
    this.bootstrap = bootstrap
    this.send = send
    this.say = say
  }

  core(): State {
    if (this.driver === null) throw new Error(`${this.id} is down`)
    return this.driver.state
  }

  feed(input: Input): void {
    this.driver?.feed(input)
  }

  start(seed: number): void {
    if (this.driver !== null) throw new Error(`${this.id} runs`)
    const { disk } = this
    this.state = this.restored(disk.snapshot?.bytes)
    const initial = initialState({
      id: this.id,
      options: this.options,
      seed,
      hardState: disk.hardState,
      snapshot: disk.snapshot?.snapshot ?? null,
      base: disk.base,
      entries: [...disk.entries],
      bootstrap: this.bootstrap,
      applied: this.state.applied
    })
    const driver = new Driver(initial, {
      write: (append: Append, done) => {
        disk.write(append, () => {
          if (this.driver === driver) done()
        })
      },
      send: this.send,
      apply: (entries) => this.apply(entries),
      readSnapshot: (read) => {
        const file = disk.snapshot
        const ok = file !== null && snapshotId(file.snapshot) === snapshotId(read.snapshot)
        if (ok) this.send(chunkOf(this.id, read, file.bytes.slice(read.offset, read.offset + read.length)))
        this.feed({ _tag: "SnapshotReport", peer: read.to, ok })
      },
      writeSnapshot: ({ snapshot, offset, data }) => {
        this.incoming = new Uint8Array([...this.incoming.slice(0, offset), ...data])
        this.feed({ _tag: "SnapshotStored", id: snapshotId(snapshot), offset: offset + data.length })
      },
      installSnapshot: (snapshot) => this.install(snapshot),
      confirmRead: ({ context, index }) => this.say(`${this.id} may answer ${context} at ${index}`),
      accept: ({ context, first }) => this.say(`${this.id} learns that ${context} is entry ${first}`),
      refuse: ({ context, reason, leader }) =>
        this.say(`${this.id} refuses ${context}: ${reason}${leader === null ? "" : ` leader=${leader}`}`),
      observe: (before, _input, after, ready) => this.observe(before, after, ready)
    })
    this.driver = driver
  }

  crash(): void {
    const lost = this.disk.lose()
    this.driver = null
    this.say(`${this.id} crashes${lost > 0 ? `, ${lost} writes lost` : ""}`)
  }

  takeSnapshot(kept: number): void {
    const { applied, texts } = this.state
    const bytes = encoder.encode(JSON.stringify({ applied, texts }))
    const { log, configurations } = this.core()
    const term = termAt(log, applied) ?? 0
    const snapshot: Snapshot = {
      metadata: { index: applied, term, configuration: configurationAt(configurations, applied) },
      bytes: bytes.length,
      checksum: 0
    }
    this.disk.snapshot = { snapshot, bytes }
    this.feed({ _tag: "SnapshotTaken", snapshot })
    this.feed({ _tag: "Compact", index: applied - kept })
    this.disk.compact(applied - kept)
    this.say(`${this.id} has a snapshot at ${applied}, its log starts after ${this.core().log.baseIndex}`)
  }

  status(): string {
    if (this.driver === null) return `${this.id} is down`
    const state = this.driver.state
    const extent = `log=${state.log.baseIndex}..${lastIndex(state.log)} commit=${state.commit} applied=${state.applied}`
    const vote = `vote=${state.vote ?? "-"}`
    return `${this.id} ${state.role} term=${state.term} leader=${state.leader ?? "-"} ${vote} ${extent} ${describe(configurationOf(state))}`
  }

  log(): string {
    const { log } = this.core()
    const entries = log.backing.entries.slice(0, log.length)
    return `${this.id} after ${log.baseIndex}: ${entries.map((entry) => `${entry.index}/${entry.term} ${textOf(entry)}`).join(", ")}`
  }

  private restored(bytes: Uint8Array | undefined): { applied: Index; texts: ReadonlyArray<string> } {
    return bytes === undefined ? { applied: 0, texts: [] } : (JSON.parse(decoder.decode(bytes)) as typeof this.state)
  }

  private apply(entries: ReadonlyArray<Entry>): void {
    for (const entry of entries) {
      this.say(`${this.id} applies ${entry.index} ${textOf(entry)}`)
      const texts = entry.kind === "Command" ? [...this.state.texts, textOf(entry)] : this.state.texts
      this.state = { applied: entry.index, texts }
    }
    this.feed({ _tag: "Applied", index: this.state.applied })
  }

  private install(snapshot: Snapshot): void {
    this.disk.install({ snapshot, bytes: this.incoming })
    this.state = this.restored(this.incoming)
    this.say(`${this.id} installs the snapshot at ${snapshot.metadata.index}`)
    this.feed({ _tag: "SnapshotInstalled", id: snapshotId(snapshot) })
  }

  private observe(before: State, after: State, { append }: Ready): void {
    if (before.role !== after.role || before.term !== after.term) {
      this.say(`${this.id} is ${after.role} in term ${after.term}`)
    }
    if (append !== null && append.truncateFrom !== null)
      this.say(`${this.id} drops its log from ${append.truncateFrom}`)
    if (before.commit !== after.commit) this.say(`${this.id} commits up to ${after.commit}`)
    if (before.configurations !== after.configurations && before.log.baseIndex === after.log.baseIndex) {
      this.say(`${this.id} goes by ${describe(configurationOf(after))}`)
    }
  }
}
