/**
 * The Raft algorithm as a pure function: `step(state, input)` returns the next state and the work it implies. The same
 * state and input give the same result; time and the end of I/O come as inputs, chance is in the state.
 */
import { settle } from "./Commit.ts"
import { applied, appendOf, compactLog, persisted, snapshotTaken, takeCommitted } from "./Durability.ts"
import { campaign } from "./Election.ts"
import type { Input } from "./Input.ts"
import { proposeConfiguration, proposeLeave } from "./Membership.ts"
import { propose } from "./Proposal.ts"
import { readAnywhere } from "./ReadIndex.ts"
import type { Ready, SoftState } from "./Ready.ts"
import { receive } from "./Receive.ts"
import { becomeFollower } from "./Role.ts"
import { chunkStored, snapshotInstalled, snapshotRefused } from "./SnapshotReceiver.ts"
import { interruptTransmission, peerUnreachable } from "./SnapshotSender.ts"
import type { State } from "./State.ts"
import { tick } from "./Tick.ts"
import { beginTransfer } from "./Transfer.ts"
import { begin } from "./Turn.ts"
import type { Turn } from "./Turn.ts"

export const step = (state: State, input: Input): readonly [State, Ready] => {
  const turn = begin(state)
  handle(turn, input)
  settle(turn)
  const ready = readyOf(turn)
  return [turn.state, ready]
}

const handle = (turn: Turn, input: Input): void => {
  switch (input._tag) {
    case "Tick":
      return tick(turn)
    case "Receive":
      return receive(turn, input.message)
    case "Propose":
      return propose(turn, input.context, input.data)
    case "ProposeConfiguration":
      return proposeConfiguration(turn, input)
    case "LeaveJoint":
      return proposeLeave(turn, input.context)
    case "ReadIndex":
      return readAnywhere(turn, input.context)
    case "TransferLeadership":
      return beginTransfer(turn, input.to)
    case "Persisted":
      return persisted(turn, input.sequence)
    case "Applied":
      return applied(turn, input.index)
    case "SnapshotTaken":
      return snapshotTaken(turn, input.snapshot)
    case "Compact":
      return compactLog(turn, input.index)
    case "SnapshotStored":
      return chunkStored(turn, input.id, input.offset)
    case "SnapshotInstalled":
      return snapshotInstalled(turn, input.id)
    case "SnapshotRefused":
      return snapshotRefused(turn, input.id)
    case "SnapshotReport":
      return input.ok ? undefined : interruptTransmission(turn, input.peer)
    case "Unreachable":
      return peerUnreachable(turn, input.peer)
    case "Campaign":
      return campaign(turn, false)
    case "ForgetLeader":
      if (turn.state.role === "Follower") turn.state.leader = null
      return
    case "StepDown":
      if (turn.state.role !== "Follower") becomeFollower(turn, turn.state.term, null)
      return
    case "RefuseLeadership":
      turn.state.refusesLeadership = input.refuse
  }
}

const readyOf = (turn: Turn): Ready => {
  const append = appendOf(turn)
  const committed = takeCommitted(turn)
  const { messages, messagesAfterPersist, snapshotReads, snapshotWrite, snapshotInstall, reads, accepted, dropped } =
    turn
  return {
    append,
    messages,
    messagesAfterPersist,
    committed,
    snapshotReads,
    snapshotWrite,
    snapshotInstall,
    reads,
    accepted,
    dropped,
    soft: softOf(turn)
  }
}

const softOf = ({ state, before }: Turn): SoftState | null =>
  state.role === before.role && state.leader === before.leader && state.term === before.term
    ? null
    : { role: state.role, leader: state.leader, term: state.term }
