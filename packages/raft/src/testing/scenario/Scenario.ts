/**
 * A cluster that does what a text says, one command after the other, and answers with what happened. Messages wait in
 * their links until they are delivered; nothing happens by itself.
 */
import { commands } from "./Commands.ts"
import { ScenarioCluster } from "./ScenarioCluster.ts"
import type { Block } from "./ScenarioText.ts"

export class Scenario {
  private readonly cluster = new ScenarioCluster()

  /** Runs a block and returns what happened. A command that is not known, or a broken invariant, ends the scenario. */
  run(block: Block): ReadonlyArray<string> {
    block.commands.forEach((command, i) => {
      try {
        this.execute(command)
        this.cluster.assertInvariants()
      } catch (error) {
        throw new Error(`line ${block.line + i}, "${command}": ${String(error)}`, { cause: error })
      }
    })
    return this.cluster.takeOutput()
  }

  /** A fault that was to happen and did not would make a scenario say less than it seems to. */
  end(): void {
    this.cluster.assertNoFaultLeft()
  }

  private execute(text: string): void {
    const [verb = "", ...words] = text.split(/\s+/)
    const command = commands[verb]
    if (command === undefined) throw new Error(`unknown command; there are ${Object.keys(commands).join(", ")}`)
    command(this.cluster, words)
  }
}
