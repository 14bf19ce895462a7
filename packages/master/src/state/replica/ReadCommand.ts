/** What Raft gives to be applied, as an entry of the state. */
import type { Command } from "@nxmesh/raft/node/StateMachine"
import { Data } from "effect"
import type { Entry } from "../apply/Apply.ts"
import { handlers } from "../apply/Handlers.ts"
import type { Unreadable } from "../StateMachine.ts"
import { decodeProposal } from "./CommandBytes.ts"

/** A member of a newer version proposed what this one does not know. Refusing it here, and not there, would part the states. */
export class CommandUnknown extends Data.TaggedError("CommandUnknown")<{
  readonly index: number
  readonly command: string
}> {
  override get message() {
    return `entry ${this.index} holds a command that this NxMesh does not know (${this.command}): start a newer version`
  }
}

/** Throws CommandUnknown. Bytes that are no command at all are so on every master, and count as refused. */
export const readCommand = ({ data, index, millis, term }: Command): Entry | Unreadable => {
  const at = { index, term, atMillis: millis }
  try {
    const proposal = decodeProposal(data)
    const { command, principal } = proposal
    if (typeof command._tag !== "string" || typeof principal._tag !== "string") throw new Error("it is no proposal")
    if (Object.hasOwn(handlers, command._tag)) return { ...at, proposal }
    throw new CommandUnknown({ index, command: command._tag })
  } catch (unreadable) {
    if (unreadable instanceof CommandUnknown) throw unreadable
    return { ...at, unreadable }
  }
}
