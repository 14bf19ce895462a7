/**
 * Nodes as a client sees them: they take calls, execute commands once in each session, and fail in the ways that a test
 * chooses. A stand-in for a cluster; consensus is not its business.
 */
import type { Answer, Call, Failure } from "@nxmesh/raft/transport/Call"
import type { Caller, CallerListener, Connector } from "@nxmesh/raft/transport/Caller"
import type { Environment } from "@nxmesh/raft/transport/Environment"

type Propose = Extract<Call, { readonly _tag: "Propose" }>

/** What a node does with a call: answers as it should, executes it and says nothing, ignores it, or refuses. */
export type Behaviour = "Answer" | "ExecuteSilently" | "Ignore" | Failure

interface Open {
  readonly node: string
  readonly listener: CallerListener
  isOpen: boolean
}

const pathMillis = 1

export class FakeCluster {
  leader: string | null
  readonly calls: Array<{ readonly node: string; readonly call: Call }> = []
  /** How often each command was executed, by its number. */
  readonly executed = new Map<number, number>()
  behave: (node: string, call: Call) => Behaviour = () => "Answer"
  private readonly environment: Environment
  private readonly sessions = new Map<number, Map<number, Answer>>()
  private readonly down = new Set<string>()
  private connections: Array<Open> = []
  private index = 0

  constructor(environment: Environment, leader: string | null) {
    this.environment = environment
    this.leader = leader
  }

  get sessionsOpened(): number {
    return this.calls.filter(({ call }) => call._tag === "OpenSession").length
  }

  proposals(): ReadonlyArray<{ readonly node: string; readonly call: Propose }> {
    return this.calls.flatMap(({ call, node }) => (call._tag === "Propose" ? [{ node, call }] : []))
  }

  expireSessions(): void {
    this.sessions.clear()
  }

  stop(node: string): void {
    this.down.add(node)
    const lost = this.connections.filter((connection) => connection.node === node)
    this.connections = this.connections.filter((connection) => connection.node !== node)
    for (const { isOpen, listener } of lost) if (isOpen) listener.closed(new Error(`${node} was stopped`))
  }

  start(node: string): void {
    this.down.delete(node)
  }

  /** An address is the name of a node. */
  readonly connector: Connector = ({ host }, listener): Caller => {
    const connection: Open = { node: host, listener, isOpen: true }
    const later = (action: () => void): void => {
      this.environment.after(pathMillis, () => {
        if (connection.isOpen) action()
      })
    }
    later(() => {
      if (this.down.has(host)) return listener.closed(new Error(`${host} does not listen`))
      this.connections.push(connection)
      listener.ready(host)
    })
    return {
      call: (number, call) =>
        later(() => {
          if (!this.connections.includes(connection)) return
          const answer = this.take(host, call)
          if (answer !== null) {
            later(() => {
              if (this.connections.includes(connection)) listener.answered(number, answer)
            })
          }
        }),
      close: () => {
        connection.isOpen = false
      }
    }
  }

  private take(node: string, call: Call): Answer | null {
    if (call._tag === "Describe") return this.describe()
    this.calls.push({ node, call })
    const behaviour = this.behave(node, call)
    if (behaviour === "Ignore") return null
    if (typeof behaviour === "object") return { _tag: "Failed", failure: behaviour }
    const answer = this.carryOut(call)
    return behaviour === "Answer" ? answer : null
  }

  private describe(): Answer {
    const configuration = { voters: ["a", "b", "c"], learners: [], outgoing: [], learnersNext: [], autoLeave: false }
    return { _tag: "Described", leader: this.leader, configuration, configurationIndex: 1 }
  }

  private carryOut(call: Exclude<Call, { readonly _tag: "Describe" }>): Answer {
    const index = ++this.index
    switch (call._tag) {
      case "OpenSession":
        this.sessions.set(index, new Map())
        return { _tag: "Opened", session: index }
      case "Query":
        return { _tag: "Answered", index, data: call.data }
      case "ChangeMembers":
        return { _tag: "Changed", index }
      case "Propose":
        return this.execute(call, index)
    }
  }

  private execute({ acknowledged, data, serial, session }: Propose, index: number): Answer {
    const answers = this.sessions.get(session)
    if (answers === undefined) {
      return { _tag: "Failed", failure: { _tag: "Refused", reason: "SessionExpired", leader: this.leader } }
    }
    for (const known of answers.keys()) if (known < acknowledged) answers.delete(known)
    const known = answers.get(serial)
    if (known !== undefined) return known
    const command = new DataView(data.buffer, data.byteOffset).getUint32(0, true)
    this.executed.set(command, (this.executed.get(command) ?? 0) + 1)
    const answer: Answer = { _tag: "Applied", index, result: data }
    answers.set(serial, answer)
    return answer
  }
}
