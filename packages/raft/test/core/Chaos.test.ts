/** Small clusters under random messages, crashes, disks and changes; the invariants are checked after every step. */
import { assert, describe, it } from "@effect/vitest"
import { nextRandom } from "../../src/core/Random.ts"
import { isJoint } from "../../src/core/Configuration.ts"
import { configurationOf } from "../../src/core/State.ts"
import type { NodeId } from "../../src/core/Types.ts"
import { Network } from "./Network.ts"

const makeDraw = (start: number): ((below: number) => number) => {
  let seed = start
  return (below) => {
    const [value, next] = nextRandom(seed, below)
    seed = next
    return value
  }
}

const names: ReadonlyArray<NodeId> = ["a", "b", "c", "d", "e"]

const chaos = (seed: number, steps: number): Network => {
  const draw = makeDraw(seed)
  const network = new Network(names.slice(0, 3), {
    preVote: draw(4) > 0,
    checkQuorum: draw(4) > 0,
    inflightMessagesMax: 1 + draw(4),
    appendBytesMax: draw(2) === 0 ? 100 : 10_000,
    snapshotChunkBytes: 1 + draw(16)
  })
  for (const id of names.slice(3)) network.add(id, null)
  let value = 0
  const deliverOne = (): void => {
    if (network.queue.length === 0) return
    const [message] = network.queue.splice(draw(network.queue.length), 1)
    if (message === undefined || draw(10) === 0) return
    network.receive(message)
    if (draw(10) === 0) network.queue.push(message)
  }
  const actions: ReadonlyArray<readonly [weight: number, act: (id: NodeId) => void]> = [
    [60, deliverOne],
    [30, (id) => network.input(id, { _tag: "Tick" })],
    [
      10,
      (id) =>
        network.input(id, { _tag: "Propose", context: `p${value}`, data: [new TextEncoder().encode(`v${value++}`)] })
    ],
    [3, (id) => network.input(id, { _tag: "ReadIndex", context: `r${value++}` })],
    [6, (id) => (network.node(id).holdDisk = true)],
    [10, (id) => network.flush(id, 1 + draw(3))],
    [4, (id) => (network.node(id).holdDisk = false)],
    [1, (id) => network.crash(id)],
    [1, (id) => network.input(id, { _tag: "TransferLeadership", to: names[draw(5)] ?? "a" })],
    [1, (id) => network.compact(id, draw(3))],
    [1, (id) => network.input(id, { _tag: "StepDown" })],
    [
      2,
      (id) => {
        const voters = names.filter(() => draw(2) === 0)
        const learners = names.filter((name) => !voters.includes(name) && draw(2) === 0)
        const context = `c${value++}`
        network.input(id, {
          _tag: "ProposeConfiguration",
          context,
          voters,
          learners,
          autoLeave: true,
          expectedIndex: null
        })
      }
    ]
  ]
  const total = actions.reduce((sum, [weight]) => sum + weight, 0)
  for (let i = 0; i < steps; i++) {
    let pick = draw(total)
    const [, act] = actions.find(([weight]) => (pick -= weight) < 0) ?? actions[0]!
    const id = names[draw(5)] ?? "a"
    if (network.node(id).isUp) act(id)
    else if (draw(5) === 0) network.restart(id)
    if (network.queue.length > 200) network.queue.splice(0, 100)
    if (i % 50 === 0) check(network)
  }
  return network
}

const check = (network: Network): void => {
  const violations = network.history.logMatching([...network.nodes.values()].map(({ state }) => state))
  if (violations.length > 0) throw new Error(violations.join("\n"))
}

const heal = (network: Network): void => {
  for (const id of names) {
    const node = network.node(id)
    if (!node.isUp) network.restart(id)
    node.holdDisk = false
    network.flush(id)
  }
  network.deliver()
  network.until(() => {
    const [leader, ...others] = network.leaders()
    if (leader === undefined || others.length > 0) return false
    const state = network.state(leader)
    const { voters, learners } = configurationOf(state)
    return (
      !isJoint(configurationOf(state)) &&
      state.commit === network.last(leader) &&
      [...voters, ...learners].every((id) => network.state(id).applied === state.applied)
    )
  }, 2_000)
}

describe("under chaos", () => {
  for (let part = 0; part < 4; part++) {
    it(`the invariants hold, and a healed cluster converges (part ${part + 1})`, () => {
      for (let seed = part * 50 + 1; seed <= part * 50 + 50; seed++) {
        try {
          const network = chaos(seed, 1_500)
          heal(network)
          check(network)
          const [leader = ""] = network.leaders()
          const { voters, learners } = configurationOf(network.state(leader))
          for (const id of [...voters, ...learners]) {
            assert.deepStrictEqual(network.node(id).applied, network.node(leader).applied)
          }
        } catch (error) {
          throw new Error(`seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`, { cause: error })
        }
      }
    })
  }
})
