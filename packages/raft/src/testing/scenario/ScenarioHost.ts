/** The state machine's side of a node of a scenario: executes what is committed, answers clients, shows it to watchers. */
import type { Entry, Index } from "../../core/Types.ts"
import type { SessionLimits } from "../../node/Sessions.ts"
import type { ClientDesk } from "./ClientDesk.ts"
import { Feed } from "./Feed.ts"
import type { Watcher } from "./Feed.ts"
import type { MachineFile } from "./MachineFile.ts"
import { ScenarioMachine } from "./ScenarioMachine.ts"

export interface HostSettings {
  readonly sessions: SessionLimits
  /** Where the state machine keeps its state; `null`: it starts from the snapshot. */
  readonly file: MachineFile | null
  readonly say: (line: string) => void
}

export class ScenarioHost {
  private readonly settings: HostSettings
  private readonly clients: ClientDesk
  private readonly feed: Feed
  private machine: ScenarioMachine

  /** Starts from its own file, or from the content of the newest snapshot. */
  constructor(snapshot: Uint8Array | null, clients: ClientDesk, settings: HostSettings) {
    this.settings = settings
    this.clients = clients
    this.machine = ScenarioMachine.restore(settings.file?.load() ?? snapshot, settings.sessions)
    this.feed = new Feed(this.machine.applied, settings.say)
  }

  get applied(): Index {
    return this.machine.applied
  }

  image(): Uint8Array {
    return this.machine.image()
  }

  apply(entries: ReadonlyArray<Entry>): void {
    const waiting = entries.map((entry) => [entry, this.clients.committed(entry)] as const)
    const { executed, outcome } = this.machine.apply(entries)
    this.settings.file?.save(this.machine.image())
    this.feed.applied(executed, this.machine.applied)
    for (const [entry, proposal] of waiting) {
      if (proposal !== null) this.clients.applied(proposal, entry, outcome(entry.index))
    }
  }

  /** A snapshot takes the place of the state. */
  replace(snapshot: Uint8Array | null): void {
    this.machine = ScenarioMachine.restore(snapshot, this.settings.sessions)
    this.settings.file?.save(this.machine.image())
    this.feed.replaced(this.machine.applied, this.machine.content)
    this.clients.skipped()
  }

  compact(index: Index): void {
    this.feed.compact(index)
  }

  watch(watcher: Watcher): void {
    this.feed.watch(watcher, this.machine.applied, this.machine.content)
  }

  unwatch(watcher: Watcher): void {
    this.feed.leave(watcher)
  }

  describe(): string {
    return `state after ${this.machine.applied}: ${this.machine.content}`
  }

  describeSessions(): string {
    return `sessions: ${this.machine.describeSessions()}`
  }
}
