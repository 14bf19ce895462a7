/**
 * Whoever runs the simulated cluster: changes its members, and replaces those whose disk is gone or damaged. What happens
 * to disks is asked here as well, since there must always be enough good ones: of everything that is committed a quorum
 * keeps a copy, as in TigerBeetle's fault atlas.
 */

import type { NodeId } from "../../core/Types.ts"
import type { SeededRandom } from "../SeededRandom.ts"
import type { Counters } from "./Counters.ts"
import { chooseChange, survivesWithout } from "./Membership.ts"
import type { SimulatedNode } from "./SimulatedNode.ts"

export interface OperatorView {
  readonly nodes: ReadonlyMap<NodeId, SimulatedNode>
  readonly leader: () => SimulatedNode | null
  readonly make: (id: NodeId) => SimulatedNode
}

/** Which process was asked: another one knows nothing of it. */
interface Asked {
  readonly node: SimulatedNode
  readonly processNumber: number
}

/** Nodes ever made, for a run whose operator keeps replacing them. */
const nodesMax = 14
const changeMillisMax = 2000

export class Operator {
  private readonly random: SeededRandom
  private readonly counters: Counters
  private readonly view: OperatorView
  /** Those whose disk is gone, or was found damaged. */
  private readonly gone = new Set<NodeId>()
  /** Changes that were asked for and not answered. */
  private readonly asked = new Set<Asked>()

  constructor(random: SeededRandom, counters: Counters, view: OperatorView) {
    this.random = random
    this.counters = counters
    this.view = view
  }

  hasLost(node: NodeId): boolean {
    return this.gone.has(node)
  }

  lose(node: NodeId): void {
    this.gone.add(node)
  }

  sound(): ReadonlyArray<SimulatedNode> {
    return [...this.view.nodes.values()].filter(({ id }) => !this.gone.has(id))
  }

  /** Returns whether there was something to change and someone to ask. */
  changeMembers(): boolean {
    const { random, counters, view } = this
    const leader = view.leader()
    // While it sleeps nobody knows when it would hear of it, and whether it would still make sense then.
    if (leader === null || !leader.isAwake()) return false
    const configuration = leader.configuration()
    if (configuration.outgoing.length > 0) return false
    const members = new Set([...configuration.voters, ...configuration.learners])
    const made: Array<NodeId> = []
    const chosen = chooseChange(
      {
        configuration,
        leader: leader.id,
        wiped: this.unsound(),
        removed: this.sound().flatMap(({ disk, id }) => (members.has(id) || disk.isDamaged ? [] : [id])),
        fresh: () => {
          if (view.nodes.size + made.length >= nodesMax) return null
          const id = `n${view.nodes.size + made.length + 1}`
          made.push(id)
          return id
        }
      },
      random
    )
    if (chosen === null) return false
    for (const id of made) view.make(id).start()
    counters.add(`members: ${chosen.name}`)
    const asked = { node: leader, processNumber: leader.processNumber }
    this.asked.add(asked)
    const change = { ...chosen.change, expectedIndex: leader.configurationIndex() }
    leader.changeMembers(change, changeMillisMax, (outcome) => {
      this.asked.delete(asked)
      counters.add(`members: ${outcome._tag === "Done" ? "Done" : `${outcome._tag} ${outcome.reason}`}`)
    })
    return true
  }

  /** The disk is gone for good; false when that could cost the cluster its quorum. */
  wipe(node: NodeId): boolean {
    if (!this.maySpare(node)) return false
    this.view.nodes.get(node)?.destroy()
    this.gone.add(node)
    return true
  }

  /** Confirmed bytes change. */
  damage(node: NodeId): boolean {
    if (!this.maySpare(node)) return false
    const kind = this.view.nodes.get(node)?.disk.damage() ?? null
    if (kind !== null) this.counters.add(`sector: ${kind}`)
    return kind !== null
  }

  /** Whether every configuration that may come to count still decides without this node. */
  private maySpare(node: NodeId): boolean {
    if (this.isChanging()) return false
    const unsound = this.unsound()
    const views = this.sound().flatMap((other) => [other.configuration(), other.disk.durable.latestConfiguration()])
    return views.every((configuration) => survivesWithout(configuration, unsound, node))
  }

  private unsound(): ReadonlySet<NodeId> {
    const damaged = this.sound().filter(({ disk }) => disk.isDamaged)
    return new Set([...this.gone, ...damaged.map(({ id }) => id)])
  }

  private isChanging(): boolean {
    return [...this.asked].some(({ node, processNumber }) => node.processNumber === processNumber)
  }
}
