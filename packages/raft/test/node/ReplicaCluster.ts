/**
 * A cluster of production nodes, Replica and Host, on disks in memory, whose every step is the test's: time passes in
 * `tick`, and `settle` lets threads, disks and network work until nothing moves. What is held does not move.
 */
import type { Input } from "@nxmesh/raft/core/Input"
import type { Message } from "@nxmesh/raft/core/Message"
import { defaultOptions } from "@nxmesh/raft/core/Options"
import type { Options } from "@nxmesh/raft/core/Options"
import type { State } from "@nxmesh/raft/core/State"
import type { Configuration, NodeId } from "@nxmesh/raft/core/Types"
import { decodeEnvelope } from "@nxmesh/raft/node/Envelope"
import { Host } from "@nxmesh/raft/node/Host"
import type { HostMessage, HostRequest } from "@nxmesh/raft/node/HostMessage"
import { defaultNodeOptions } from "@nxmesh/raft/node/NodeOptions"
import type { NodeOptions } from "@nxmesh/raft/node/NodeOptions"
import { Replica } from "@nxmesh/raft/node/Replica"
import { decodeResult, encodeCommand } from "@nxmesh/raft/testing/machine/KeyValueCommand"
import type { KeyValueCommand } from "@nxmesh/raft/testing/machine/KeyValueCommand"
import { MemoryKeyValue } from "@nxmesh/raft/testing/machine/MemoryKeyValue"
import type { Answer, Call } from "@nxmesh/raft/transport/Call"
import { Effect } from "effect"
import { MemoryNodeStorage } from "./MemoryNodeStorage.ts"

export const put = (key: string, value: string): KeyValueCommand => ({ kind: "put", key, value })
export const get = (key: string): KeyValueCommand => ({ kind: "get", key })

/** Only its first execution swaps: a second one would answer otherwise. */
export const once = (key: string): KeyValueCommand => ({ kind: "cas", key, expected: null, value: "1" })

export interface TestNode {
  readonly id: NodeId
  readonly disk: MemoryNodeStorage
  machine: MemoryKeyValue
  replica: Replica
  host: Host
  state: State
  /** Every input of the core. */
  readonly inputs: Array<Input>
  readonly toHost: Array<HostRequest>
  readonly toReplica: Array<HostMessage>
  readonly stopped: Array<Error>
  isUp: boolean
  /** The host's thread is blocked. */
  isHostHeld: boolean
}

/** The serials of commands in a node's log, in order. */
export const serials = ({ state }: TestNode): ReadonlyArray<number> =>
  state.log.backing.entries.flatMap((entry) => {
    const envelope = entry.kind === "Command" ? decodeEnvelope(entry.data) : null
    return envelope?.kind === "Command" ? [envelope.serial] : []
  })

export interface ClusterSettings {
  readonly core?: Partial<Options>
  readonly node?: Partial<NodeOptions>
}

export class ReplicaCluster {
  readonly nodes = new Map<NodeId, TestNode>()
  nowMillis = 1_000
  /** How far the wall clocks of nodes are ahead of `nowMillis`. */
  readonly wallAheadMillis = new Map<NodeId, number>()
  /** True lets a message through. */
  filter: (message: Message) => boolean = () => true
  /** Everything that was sent. */
  readonly sent: Array<Message> = []
  private readonly settings: ClusterSettings
  private readonly voters: ReadonlyArray<NodeId>
  private messages: Array<Message> = []
  private laters: Array<() => void> = []
  private seed = 7

  constructor(voters: ReadonlyArray<NodeId>, settings: ClusterSettings = {}) {
    this.settings = settings
    this.voters = voters
    for (const id of voters) this.add(id, { ...noConfiguration, voters })
  }

  add(id: NodeId, bootstrap: Configuration | null): TestNode {
    const node: TestNode = {
      id,
      disk: new MemoryNodeStorage(),
      machine: new MemoryKeyValue(),
      replica: undefined as unknown as Replica,
      host: undefined as unknown as Host,
      state: undefined as unknown as State,
      inputs: [],
      toHost: [],
      toReplica: [],
      stopped: [],
      isUp: false,
      isHostHeld: false
    }
    this.nodes.set(id, node)
    this.boot(node, bootstrap)
    return node
  }

  node(id: NodeId): TestNode {
    const found = this.nodes.get(id)
    if (found === undefined) throw new Error(`no node ${id}`)
    return found
  }

  // ---- life -------------------------------------------------------------------------------------------------------

  /** The process is gone, and what was not flushed. The state machine keeps what it has applied, or nothing. */
  crash(id: NodeId, { keepsState = true } = {}): void {
    const node = this.node(id)
    node.isUp = false
    node.isHostHeld = false
    node.toHost.length = 0
    node.toReplica.length = 0
    node.disk.crash({ logChanges: 0, hardState: false })
    if (!keepsState) node.machine = new MemoryKeyValue()
  }

  restart(id: NodeId): void {
    const node = this.node(id)
    this.boot(node, { ...noConfiguration, voters: this.voters })
  }

  private boot(node: TestNode, bootstrap: Configuration | null): void {
    const { files } = node.disk
    const { latest } = files.snapshots
    const baseIndex = files.firstIndex - 1
    // As the thread's shell does: a state machine that is behind the log starts from the snapshot.
    if (node.machine.load().applied < baseIndex && latest !== null) {
      node.machine = new MemoryKeyValue(files.snapshots.read(latest.metadata.index, 0, latest.bytes) ?? undefined)
    }
    const options: NodeOptions = {
      ...defaultNodeOptions,
      ...this.settings.node,
      id: node.id,
      bootstrap,
      core: { ...defaultOptions, ...this.settings.core }
    }
    const later = (action: () => void): void => void this.laters.push(action)
    const storage = node.disk.open({
      durable: (sequence, logBytes) => node.replica.durable(sequence, logBytes),
      failed: (failure) => node.replica.failed(failure)
    })
    const host = new Host(node.machine, {
      tell: (message) => void node.toReplica.push(message),
      run: (effect, done) => void Effect.runCallback(effect, { onExit: done }),
      status: () => undefined,
      stopped: () => undefined
    })
    node.host = host
    node.replica = new Replica(
      options,
      {
        seed: this.seed++ * 7_919,
        hardState: files.hardState,
        snapshot: latest,
        base: { index: baseIndex, term: files.term(baseIndex) ?? 0 },
        entries:
          files.lastIndex > baseIndex ? files.entries(baseIndex + 1, files.lastIndex, Number.POSITIVE_INFINITY) : [],
        applied: host.applied
      },
      {
        storage,
        send: (message) => {
          this.sent.push(message)
          this.messages.push(message)
        },
        host: (request) => void node.toHost.push(request),
        nowMillis: () => this.nowMillis,
        wallMillis: () => this.nowMillis + (this.wallAheadMillis.get(node.id) ?? 0),
        later,
        stopped: (failure) => {
          node.stopped.push(failure)
          node.isUp = false
        },
        observe: (_before, input, after) => {
          node.inputs.push(input)
          node.state = after
        }
      }
    )
    node.isUp = true
    node.replica.tick()
  }

  // ---- what moves -------------------------------------------------------------------------------------------------

  /** Works until nothing moves. */
  settle(): void {
    for (let round = 0; round < 10_000; round++) if (!this.move()) return
    throw new Error("the cluster does not come to rest")
  }

  private move(): boolean {
    let isBusy = this.laters.length > 0
    const laters = this.laters
    this.laters = []
    for (const action of laters) action()
    for (const node of this.nodes.values()) {
      if (!node.isUp) continue
      if (node.disk.run()) isBusy = true
      if (this.moveHost(node)) isBusy = true
    }
    const messages = this.messages
    this.messages = []
    for (const message of messages) {
      isBusy = true
      const to = this.nodes.get(message.to)
      if (to?.isUp === true && this.filter(message)) to.replica.receive(message)
    }
    return isBusy
  }

  private moveHost(node: TestNode): boolean {
    let isBusy = false
    while (!node.isHostHeld && node.toHost.length > 0) {
      isBusy = true
      node.host.hear(node.toHost.shift()!)
    }
    while (node.toReplica.length > 0) {
      isBusy = true
      node.replica.hear(node.toReplica.shift()!)
    }
    return isBusy
  }

  /** Time passes for every node that is up, 25 ms each, and what can move does. */
  tick(count = 1): void {
    for (let i = 0; i < count; i++) {
      this.nowMillis += 25
      for (const node of this.nodes.values()) if (node.isUp) node.replica.tick()
      this.settle()
    }
  }

  tickMillis(millis: number): void {
    this.tick(Math.ceil(millis / 25))
  }

  until(fact: () => boolean, ticksMax = 400): void {
    for (let i = 0; i < ticksMax && !fact(); i++) this.tick()
    if (!fact()) throw new Error("it did not happen")
  }

  // ---- what tests ask ---------------------------------------------------------------------------------------------

  leader(): TestNode {
    this.until(
      () => this.leaders().length === 1 && this.leaders()[0]!.state.commit >= this.leaders()[0]!.state.termStart
    )
    return this.leaders()[0]!
  }

  leaders(): ReadonlyArray<TestNode> {
    return [...this.nodes.values()].filter(({ isUp, state }) => isUp && state.role === "Leader")
  }

  followers(): ReadonlyArray<TestNode> {
    const leader = this.leader()
    return [...this.nodes.values()].filter((node) => node.isUp && node !== leader)
  }

  /** No message between the two sides. */
  partition(side: ReadonlyArray<NodeId>): void {
    this.filter = ({ from, to }) => side.includes(from) === side.includes(to)
  }

  heal(): void {
    this.filter = () => true
  }

  propose(id: NodeId, command: KeyValueCommand, timeoutMillis = 5_000): Array<unknown> {
    const outcomes: Array<unknown> = []
    this.node(id).host.propose(encodeCommand(command), timeoutMillis, (outcome) => {
      outcomes.push(outcome._tag === "Done" ? decodeResult(outcome.value.result) : outcome)
    })
    return outcomes
  }

  read(id: NodeId, timeoutMillis = 5_000): Array<unknown> {
    const outcomes: Array<unknown> = []
    this.node(id).host.read(timeoutMillis, (outcome) => outcomes.push(outcome._tag === "Done" ? "read" : outcome))
    return outcomes
  }

  call(id: NodeId, call: Call): Array<Answer> {
    const answers: Array<Answer> = []
    this.node(id).replica.call(call, (answer) => void answers.push(answer))
    return answers
  }

  /** What the state machine of a node answers. */
  value(id: NodeId, key: string): string | null {
    const result = decodeResult(this.node(id).machine.query(encodeCommand(get(key))))
    return result.kind === "get" ? result.value : null
  }
}

const noConfiguration: Configuration = { voters: [], learners: [], outgoing: [], learnersNext: [], autoLeave: false }
