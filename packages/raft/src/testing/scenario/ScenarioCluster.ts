/** The nodes of a scenario and the network between them. After every command the invariants of Raft are checked. */
import { History } from "../../core/Invariants.ts"
import type { Message } from "../../core/Message.ts"
import { defaultOptions } from "../../core/Options.ts"
import type { Options } from "../../core/Options.ts"
import type { Configuration, NodeId } from "../../core/Types.ts"
import type { SessionId } from "../../node/Sessions.ts"
import { Limits } from "../../Limits.ts"
import type { Survival } from "../../storage/file/SimulatedDisk.ts"
import { describeConfiguration, describeMessage } from "./Description.ts"
import type { Watcher } from "./Feed.ts"
import { Links } from "./Links.ts"
import { ScenarioNode } from "./ScenarioNode.ts"
import type { NodeSettings } from "./ScenarioNode.ts"

/** What a client of the cluster remembers, whatever becomes of nodes. */
export interface Client {
  session: SessionId
  serial: number
  /** The serials below are answered. */
  acknowledged: number
  data: Uint8Array
}

const stabilizeRoundsMax = 10_000

/** A segment holds a few dozen entries, unless a scenario says otherwise. */
export const defaultSettings: NodeSettings = {
  core: defaultOptions,
  log: { segmentBytes: 4_096, growBytes: 4_096, bufferBytes: 4_096 },
  sessions: Limits.sessions,
  hasDurableState: false
}

export class ScenarioCluster {
  links = new Links()
  private readonly nodes = new Map<NodeId, ScenarioNode>()
  private history = new History()
  private settings = defaultSettings
  private output: Array<string> = []
  readonly clients = new Map<string, Client>()
  readonly watchers = new Map<string, Watcher>()
  private contexts = 0
  private starts = 0
  /** Kinds of messages that are printed when they are sent; `null`: all. */
  printed: ReadonlyArray<string> | null = []
  isQuiet = false

  /** What was said since the last call. */
  takeOutput(): ReadonlyArray<string> {
    const output = this.output
    this.output = []
    return output
  }

  say(line: string): void {
    if (!this.isQuiet) this.output.push(line)
  }

  /** A new cluster takes the place of the one before. */
  form(voters: ReadonlyArray<NodeId>, learners: ReadonlyArray<NodeId>, settings: NodeSettings): void {
    this.assertNoFaultLeft()
    this.nodes.clear()
    this.clients.clear()
    this.watchers.clear()
    this.links = new Links()
    this.history = new History()
    this.settings = settings
    const configuration = { voters, learners, outgoing: [], learnersNext: [], autoLeave: false }
    for (const id of [...voters, ...learners]) this.add(id, configuration)
    this.say(describeConfiguration(configuration))
  }

  add(id: NodeId, bootstrap: Configuration | null, core: Partial<Options> = {}): void {
    const settings = { ...this.settings, core: { ...this.settings.core, ...core } }
    const node = new ScenarioNode(id, settings, bootstrap, {
      send: (message) => this.post(message),
      say: (line) => this.say(line),
      unique: () => this.context("p")
    })
    this.nodes.set(id, node)
    node.start(++this.starts, { kind: "none" }, {})
  }

  restart(id: NodeId, survival: Survival, core: Partial<Options>): void {
    this.history.restarted(id)
    this.node(id).start(++this.starts, survival, core)
  }

  node(id: NodeId): ScenarioNode {
    const node = this.nodes.get(id)
    if (node === undefined) throw new Error(`there is no ${id || "node named"}`)
    return node
  }

  chosen(ids: ReadonlyArray<NodeId>): ReadonlyArray<ScenarioNode> {
    return ids.length === 0 || ids[0] === "all" ? [...this.nodes.values()] : ids.map((id) => this.node(id))
  }

  get ids(): ReadonlyArray<NodeId> {
    return [...this.nodes.keys()]
  }

  client(name: string): Client {
    const client = this.clients.get(name)
    if (client === undefined) throw new Error(`${name} has no session`)
    return client
  }

  context(kind: string): string {
    return `${kind}${++this.contexts}`
  }

  tick(node: ScenarioNode): void {
    if (!this.links.isPaused(node.id)) node.feed({ _tag: "Tick" })
  }

  /** Delivers what waits now, or the oldest `count` of it; returns how many there were. */
  deliver(link?: string, count?: number): number {
    const messages = this.links.take(link, count)
    for (const message of messages) this.nodes.get(message.to)?.feed({ _tag: "Receive", message })
    return messages.length
  }

  stabilize(): void {
    for (let round = 0; this.deliver() > 0; round++) {
      if (round > stabilizeRoundsMax) throw new Error("the messages do not end")
    }
  }

  assertInvariants(): void {
    const states = [...this.nodes.values()].flatMap(({ state }) => (state === null ? [] : [state]))
    const violations = [...this.history.observe(states), ...this.history.logMatching(states)]
    if (violations.length > 0) throw new Error(violations.join("; "))
  }

  assertNoFaultLeft(): void {
    for (const { id, disk } of this.nodes.values()) {
      if (disk.files.isArmed) throw new Error(`a fault of ${id}'s disk did not happen`)
    }
  }

  private post(message: Message): void {
    const problem = this.history.checkSend(message, this.node(message.from).disk.durable)
    if (problem !== null) throw new Error(problem)
    if (this.printed === null || this.printed.includes(message._tag)) {
      this.say(`${describeMessage(message)}${this.links.isCut(message) ? " (lost)" : ""}`)
    }
    this.links.post(message)
  }
}
