/**
 * A cluster that does what a text says, one command after the other, and answers with what happened. Messages wait in
 * their links until they are delivered; nothing happens by itself.
 */

import type { Message } from "../../core/Message.ts"
import { defaultOptions } from "../../core/Options.ts"
import type { Options } from "../../core/Options.ts"
import type { Configuration, NodeId } from "../../core/Types.ts"
import type { Block } from "./ScenarioText.ts"
import { describe, ScenarioNode } from "./ScenarioNode.ts"

const encoder = new TextEncoder()
const stabilizeRoundsMax = 10_000

type Words = ReadonlyArray<string>

/** `name=value` pairs among words. */
const settingsOf = (words: Words): Readonly<Record<string, string>> =>
  Object.fromEntries(words.filter((word) => word.includes("=")).map((word) => word.split("=", 2) as [string, string]))

const listOf = (text: string | undefined): ReadonlyArray<string> =>
  text === undefined || text === "" ? [] : text.split(",")

const optionOf = (text: string): boolean | number | string => {
  if (text === "true" || text === "false") return text === "true"
  return /^\d+$/.test(text) ? Number(text) : text
}

export class Scenario {
  private readonly nodes = new Map<NodeId, ScenarioNode>()
  private readonly cut = new Set<string>()
  private links: Array<Message> = []
  private output: Array<string> = []
  private options: Options = defaultOptions
  private contexts = 0
  private starts = 0
  private showsMessages = false

  /** Runs a block and returns what happened. A command that is not known ends the scenario. */
  run(block: Block): ReadonlyArray<string> {
    this.output = []
    block.commands.forEach((command, i) => {
      try {
        this.execute(command)
      } catch (error) {
        if (error instanceof Error && error.name === "RaftFailure") this.output.push(`stops: ${error.message}`)
        else throw new Error(`line ${block.line + i}, "${command}": ${String(error)}`, { cause: error })
      }
    })
    return this.output
  }

  private execute(command: string): void {
    const [verb = "", ...words] = command.split(/\s+/)
    const action = this.commands[verb]
    if (action === undefined) throw new Error(`unknown command; there are ${Object.keys(this.commands).join(", ")}`)
    action(words)
  }

  private readonly commands: Readonly<Record<string, (words: Words) => void>> = {
    cluster: (words) => this.form(words),
    join: ([id = ""]) => this.add(id, null),
    tick: ([which = "", count = "1"]) => {
      const ids = which === "all" ? [...this.nodes.keys()] : [which]
      for (let i = 0; i < Number(count); i++) for (const id of ids) this.node(id).feed({ _tag: "Tick" })
    },
    campaign: ([id = ""]) => this.node(id).feed({ _tag: "Campaign" }),
    deliver: ([link]) => this.deliver(this.take(link)),
    stabilize: () => {
      for (let round = 0; this.links.length > 0; round++) {
        if (round > stabilizeRoundsMax) throw new Error("the messages do not end")
        this.deliver(this.take(undefined))
      }
    },
    drop: ([link]) => void this.take(link),
    duplicate: ([link = ""]) => this.links.push(...this.links.filter((message) => linkOf(message) === link)),
    reverse: ([link]) => {
      const taken = this.take(link)
      this.links = [...this.links, ...taken.toReversed()]
    },
    cut: ([link = ""]) => this.cut.add(link),
    partition: (words) =>
      this.partition(
        words
          .join(" ")
          .split("|")
          .map((group) => group.trim().split(" "))
      ),
    heal: () => this.cut.clear(),
    propose: ([id = "", ...text]) =>
      this.node(id).feed({ _tag: "Propose", context: this.context("p"), data: [encoder.encode(text.join(" "))] }),
    read: ([id = ""]) => this.node(id).feed({ _tag: "ReadIndex", context: this.context("r") }),
    members: ([id = "", ...words]) => {
      const { voters, learners, autoLeave } = settingsOf(words)
      this.node(id).feed({
        _tag: "ProposeConfiguration",
        context: this.context("c"),
        voters: listOf(voters),
        learners: listOf(learners),
        autoLeave: autoLeave !== "false",
        expectedIndex: null
      })
    },
    leave: ([id = ""]) => this.node(id).feed({ _tag: "LeaveJoint", context: this.context("c") }),
    transfer: ([id = "", to = ""]) => this.node(id).feed({ _tag: "TransferLeadership", to }),
    hold: ([id = ""]) => void (this.node(id).disk.isHeld = true),
    sync: ([id = "", count]) => {
      const { disk } = this.node(id)
      if (count === undefined) disk.isHeld = false
      disk.sync(count === undefined ? undefined : Number(count))
    },
    crash: ([id = ""]) => this.node(id).crash(),
    restart: ([id = ""]) => {
      this.node(id).disk.isHeld = false
      this.node(id).start(++this.starts)
    },
    snapshot: ([id = "", ...words]) => this.node(id).takeSnapshot(Number(settingsOf(words)["keep"] ?? 0)),
    status: (words) => this.output.push(...this.chosen(words).map((node) => node.status())),
    log: (words) => this.output.push(...this.chosen(words).map((node) => node.log())),
    messages: ([setting]) => void (this.showsMessages = setting === "on")
  }

  private form(words: Words): void {
    const { learners, ...settings } = settingsOf(words)
    const values = Object.entries(settings).map(([name, value]) => [name, optionOf(value)] as const)
    this.options = { ...defaultOptions, ...Object.fromEntries(values) } as Options
    const voters = words.filter((word) => !word.includes("="))
    const configuration = { voters, learners: listOf(learners), outgoing: [], learnersNext: [], autoLeave: false }
    for (const id of [...voters, ...listOf(learners)]) this.add(id, configuration)
    this.output.push(describe(configuration))
  }

  private add(id: NodeId, bootstrap: Configuration | null): void {
    const node = new ScenarioNode(
      id,
      this.options,
      bootstrap,
      (message) => this.post(message),
      (line) => this.output.push(line)
    )
    this.nodes.set(id, node)
    node.start(++this.starts)
  }

  private post(message: Message): void {
    const isCut = this.cut.has(linkOf(message))
    if (this.showsMessages) this.output.push(`${linkOf(message)} ${summary(message)}${isCut ? " (lost)" : ""}`)
    if (!isCut) this.links.push(message)
  }

  /** Takes what waits in a link, or in all of them, in the order of sending. */
  private take(link: string | undefined): Array<Message> {
    const taken = this.links.filter((message) => link === undefined || linkOf(message) === link)
    this.links = this.links.filter((message) => !taken.includes(message))
    return taken
  }

  private deliver(messages: ReadonlyArray<Message>): void {
    for (const message of messages) {
      if (!this.cut.has(linkOf(message))) this.nodes.get(message.to)?.feed({ _tag: "Receive", message })
    }
  }

  private partition(groups: ReadonlyArray<Words>): void {
    for (const from of this.nodes.keys()) {
      for (const to of this.nodes.keys()) {
        if (from !== to && !groups.some((group) => group.includes(from) && group.includes(to)))
          this.cut.add(`${from}>${to}`)
      }
    }
    this.links = this.links.filter((message) => !this.cut.has(linkOf(message)))
  }

  private node(id: NodeId): ScenarioNode {
    const node = this.nodes.get(id)
    if (node === undefined) throw new Error(`there is no ${id || "node named"}`)
    return node
  }

  private chosen(words: Words): ReadonlyArray<ScenarioNode> {
    return words.length === 0 ? [...this.nodes.values()] : words.map((id) => this.node(id))
  }

  private context(kind: string): string {
    return `${kind}${++this.contexts}`
  }
}

const linkOf = ({ from, to }: Message): string => `${from}>${to}`

/** Everything of a message that fits on a line. */
const summary = (message: Message): string => {
  const fields = Object.entries(message).flatMap(([name, value]: [string, unknown]) => {
    if (name === "_tag" || name === "from" || name === "to") return []
    if (name === "entries") return [`entries=${(value as ReadonlyArray<unknown>).length}`]
    return typeof value === "object" && value !== null ? [] : [`${name}=${String(value)}`]
  })
  return `${message._tag} ${fields.join(" ")}`
}
